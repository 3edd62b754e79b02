using System.Globalization;
using System.Runtime.CompilerServices;

namespace FastCpt.Kernels;

/// <summary>An interpolated message that is only put together when a check has failed: ops allocate nothing.</summary>
[InterpolatedStringHandler]
internal ref struct FailureMessage
{
    private DefaultInterpolatedStringHandler _text;

    public FailureMessage(int literalLength, int formattedCount, bool condition, out bool isWanted)
    {
        isWanted = !condition;
        if (isWanted)
            _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    /// <summary>The message; to be called once.</summary>
    public string Take() => _text.ToStringAndClear();
}
