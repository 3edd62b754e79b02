using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Models;

/// <summary>What a part of a model is made of: its own parameters, and linear layers that may carry adapters.</summary>
internal sealed class ModelPart(Parameter[] parameters, Linear[] linears)
{
    public bool IsTrained =>
        Array.Exists(parameters, parameter => parameter.IsTrained)
        || Array.Exists(linears, linear => linear.IsTrained);
}
