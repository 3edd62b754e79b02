namespace FastCpt.Engine.Data.Massive;

/// <summary>The part of MASSIVE that a row belongs to; the same in all locales.</summary>
public enum Partition
{
    Train,
    Dev,
    Test,
}
