namespace FastCpt.Engine.Data;

/// <summary>How much text of a language is taken, training and validation together.</summary>
/// <remarks>
/// Documents are taken in the order of <see cref="DocumentKey.Selection"/> until the amount is reached, so the last one
/// crosses it. Tokens count as they are kept: cut and with their ends.
/// </remarks>
/// <param name="Amount">More than 0.</param>
public readonly record struct Budget(long Amount, BudgetUnit Unit);

public enum BudgetUnit
{
    Bytes,
    Tokens,
}
