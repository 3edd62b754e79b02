namespace FastCpt.Engine.Config;

/// <summary>A part of the decoder layers by depth.</summary>
public enum LayerGroup
{
    First,
    Middle,
    Last,
}
