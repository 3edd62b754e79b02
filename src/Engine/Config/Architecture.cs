namespace FastCpt.Engine.Config;

/// <summary>The families of models that a recipe can initialise.</summary>
public enum Architecture
{
    Gemma3,
    Llama,
    Qwen2,
    Qwen3,
}
