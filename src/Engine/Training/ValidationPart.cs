using FastCpt.Engine.Data;

namespace FastCpt.Engine.Training;

/// <summary>Validation text of one language.</summary>
public sealed record ValidationPart(string Language, ValidationSource Source);
