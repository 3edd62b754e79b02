using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Models;

/// <summary>What a part of a model is made of: its own parameters, and what may carry adapters.</summary>
internal sealed class ModelPart(Parameter[] parameters, Linear[] linears, AdapterSite[] sites)
{
    public bool IsTrained =>
        Array.Exists(parameters, parameter => parameter.IsTrained)
        || Array.Exists(linears, linear => linear.IsTrained)
        || Array.Exists(sites, site => site.IsTrained);
}
