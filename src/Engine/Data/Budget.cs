namespace FastCpt.Engine.Data;

/// <summary>How much text of a language is taken, both sides together; all of it where there is less.</summary>
/// <remarks>
/// Documents are taken in the order of <see cref="DocumentKey.Selection"/>, up to the first that would cross the
/// amount; in a held-out language only those of the validation side. Tokens count as they are kept: cut and with their
/// ends.
/// </remarks>
/// <param name="Amount">More than 0.</param>
public readonly record struct Budget(long Amount, BudgetUnit Unit);

public enum BudgetUnit
{
    Bytes,
    Tokens,
}
