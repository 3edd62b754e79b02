namespace FastCpt.Engine.Data;

/// <summary>How much training text of a language is taken at most; all of it where there is less.</summary>
/// <remarks>
/// Documents are taken in the order of <see cref="DocumentKey.Selection"/>, up to the first training document that
/// would cross the amount; validation documents come along in their share. In a held-out language, which has no
/// training documents, the validation documents count. Tokens count as they are kept: cut and with their ends.
/// </remarks>
/// <param name="Amount">More than 0.</param>
public readonly record struct Budget(long Amount, BudgetUnit Unit);

public enum BudgetUnit
{
    Bytes,
    Tokens,
}
