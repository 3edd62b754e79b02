using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;

namespace FastCpt.Engine.Evaluation;

/// <summary>
/// exp(Σ negative log-likelihood / predicted tokens), and bits per byte, over documents that stand alone.
/// </summary>
/// <remarks>
/// Jelinek et al. 1977. Sums over tokens, not means of batch means; every document is a segment of its own, so scores
/// do not depend on the batch size. A mean over languages is a mean of their perplexities.
/// </remarks>
public static class Perplexity
{
    /// <param name="losses">Room for the rows of the largest batch.</param>
    /// <exception cref="RunException">Exit 75: a stop was requested. Exit 5: a loss is not finite.</exception>
    public static LanguageScore Measure(
        Model model, Tape tape, TokenLosses losses, string language, ValidationSource source, StopSignal stop)
    {
        double sum = 0;
        for (int index = 0; index < source.BatchCount; index++)
        {
            if (stop.Reason is { } reason)
                throw new RunException(ExitCode.Resumable, $"evaluation of '{language}': stopped by {reason}.");
            Batch batch = source.At(index);
            tape.BeginInference();
            ModelInputs inputs = ModelInputs.Upload(
                tape, batch.TokenIds, batch.Positions, batch.Segments, batch.Targets);
            model.Losses(tape, inputs, 0, losses.For(batch.TokenCount));
            sum = losses.Sum(batch.TokenCount, sum);
        }

        if (!double.IsFinite(sum))
            throw new RunException(
                ExitCode.Numerics,
                $"evaluation of '{language}': the loss is {sum}. The weights hold values that are not finite, or too "
                + "large.");
        return new LanguageScore(language, sum, source.PredictedTokens, source.PredictedBytes);
    }
}
