using System.Globalization;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;

namespace FastCpt.Engine.Training;

/// <summary>Why a training run came to its end.</summary>
public enum TrainingEnd
{
    /// <summary>All steps are done.</summary>
    Finished,

    /// <summary>Evaluations stopped improving.</summary>
    StoppedEarly,
}

/// <summary>
/// The loop: gradient of a step, its norm, the update; now and then a log line, an evaluation, a checkpoint.
/// </summary>
/// <remarks>
/// A step is atomic: loss and norm are looked at before the update, so nothing that is not finite reaches weights,
/// moments or a checkpoint. A stop abandons the step it comes in, which has changed nothing.
/// </remarks>
public sealed class Trainer
{
    private const long SilenceCheckStep = 3;
    private const int LossesShown = 20;

    private readonly TrainingConfig _settings;
    private readonly Schedule _schedule;
    private readonly AdamW _optimizer;
    private readonly StepGradient _gradient;
    private readonly IReadOnlyList<ValidationPart> _validation;
    private readonly TrainingCheckpoints _checkpoints;
    private readonly RunLog _log;
    private readonly StopSignal _stop;
    private readonly EarlyStopping _early;
    private readonly DivergenceWatch _watch;
    private readonly StepClock _clock;
    private readonly StepFaults _faults;
    private readonly TimeProvider _time;
    private readonly Func<ValidationPart, LanguageScore> _score;
    private readonly StepProfile? _profile;
    private TrainingProgress _progress;

    /// <param name="seed">Of dropout.</param>
    /// <param name="schedule">Its total is the number of updates.</param>
    /// <param name="progress">Where to go on from; a default one at the start.</param>
    /// <param name="peakFlops">Arithmetic limit that utilisation is a share of; NaN where unknown.</param>
    public Trainer(
        Model model, Tape tape, TokenLosses losses, AdamW optimizer, BatchSource batches,
        IReadOnlyList<ValidationPart> validation, TrainingConfig settings, ulong seed,
        Schedule schedule,
        TrainingCheckpoints checkpoints, TrainingProgress progress, double peakFlops, RunLog log,
        TrainingOptions options, StepProfile? profile = null)
    {
        StopSignal stop = options.Stop;
        (_settings, _schedule, _optimizer, _validation) = (settings, schedule, optimizer, validation);
        (_checkpoints, _progress, _log, _stop, _profile) = (checkpoints, progress, log, stop, profile);
        (_faults, _time) = (options.Faults, options.Time);
        _gradient = new StepGradient(
            model, optimizer.Parameters, tape, losses, batches, settings.ActivationRecompute, seed, stop);
        _watch = new DivergenceWatch(settings.Divergence);
        _watch.Restore(progress);
        _early = new EarlyStopping(settings.EarlyStopping?.Patience ?? 0, settings.EarlyStopping?.Threshold ?? 0);
        _early.Restore(progress.BestLoss, progress.Misses);
        _clock = new StepClock(peakFlops, settings.MaxWallMinutes, options.Time, checkpoints.SaveTime);
        _score = part => Perplexity.Measure(model, tape, losses, part.Language, part.Source, stop);
    }

    public TrainingProgress Progress => _progress;

    /// <summary>Trains to the end, or to a stop.</summary>
    /// <exception cref="RunException">Exit 75: stopped, a checkpoint to go on from is saved. Exit 5: numerics.
    /// Exit 3: something that should train gets no gradient.</exception>
    public TrainingEnd Run()
    {
        _clock.Start();
        if (_progress.Step > 0)
            EvaluateAndSave();
        while (_progress.Step < _schedule.TotalSteps && !_early.ShouldStop)
        {
            _checkpoints.Poll();
            if (_clock.IsPastLimit)
                _stop.RequestStop("max_wall_minutes");
            _clock.BeginStep();
            _profile?.BeginStep();
            if (!_gradient.Compute(_progress.DataStep) || _stop.IsStopRequested)
                throw Stopped();
            if (_gradient.Tokens == 0)
                PassOver($"the batches of data step {_progress.DataStep} predict no token");
            else
                Step();
        }

        _checkpoints.Finish();
        _profile?.End();
        return _early.ShouldStop ? TrainingEnd.StoppedEarly : TrainingEnd.Finished;
    }

    private void Step()
    {
        double loss = _faults.BeforeUpdate(_progress.Step + 1, _gradient.LossNats, _optimizer);
        double norm = _optimizer.GradientNorm();
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
        {
            HandleNonFinite(loss, norm);
            return;
        }

        if (_watch.Observe(loss, norm) is { } divergence)
            HandleDivergence(divergence, loss, norm);
        double rate = _schedule.At(_progress.Step);
        bool isLogged = IsDue(_settings.LogSteps, _progress.Step + 1);
        double penalty = isLogged ? _optimizer.Penalty() : double.NaN;
        _optimizer.Update(norm, rate, _progress.Step + 1);
        _profile?.EndStep(_progress.Step + 1);
        _progress = _progress with
        {
            Step = _progress.Step + 1, Tokens = _progress.Tokens + _gradient.Tokens, Skips = 0,
        };
        _clock.Add(_gradient);
        if (_progress.Step == SilenceCheckStep)
            RefuseSilence();
        if (isLogged)
            _log.Step(_clock.Report(_progress, loss, penalty, norm, rate, _schedule.TotalSteps));
        EvaluateAndSave();
    }

    /// <summary>What is due at the step that the run stands at; a resumed run may find it undone.</summary>
    private void EvaluateAndSave()
    {
        long start = _time.GetTimestamp();
        bool evaluate = _validation.Count > 0 && _progress.EvaluatedStep < _progress.Step;
        bool improved = evaluate && IsDue(_settings.EvalSteps, _progress.Step) && Evaluate();
        _clock.EndStep();
        // The end of the run takes the best weights back, so they must be there.
        bool isBest = improved && _settings.EarlyStopping is not null;
        if (_stop.TakeSaveRequest() || isBest || IsDue(_settings.SaveSteps, _progress.Step))
            Save(isRequired: isBest);
        _clock.Pause(_time.GetElapsedTime(start));
    }

    /// <summary>What is done every so many steps, 0 for never, and at the last one in any case.</summary>
    private bool IsDue(int every, long step) => step == _schedule.TotalSteps || (every > 0 && step % every == 0);

    /// <returns>Whether the loss is the lowest so far.</returns>
    private bool Evaluate()
    {
        double sum = 0;
        long tokens = 0;
        try
        {
            foreach (ValidationPart part in _validation)
            {
                LanguageScore score = _score(part);
                sum += score.SumNats;
                tokens += score.Tokens;
                _log.Write($"eval/{part.Language}", _progress.Step, _progress.Tokens, [
                    ("loss", score.LossNats), ("perplexity", score.Perplexity), ("bits_per_byte", score.BitsPerByte),
                ]);
            }
        }
        catch (RunException exception) when (exception.Code == ExitCode.Resumable)
        {
            throw Stopped();
        }

        bool improved = _early.Observe(sum / tokens);
        _progress = _progress with
        {
            BestLoss = _early.Best,
            Misses = _early.Misses,
            BestStep = improved ? _progress.Step : _progress.BestStep,
            EvaluatedStep = _progress.Step,
        };
        _log.Write("eval", _progress.Step, _progress.Tokens, [("loss", sum / tokens), ("best_loss", _early.Best)]);
        _log.Say($"eval step {_progress.Step}  loss {sum / tokens:F4}  best {_early.Best:F4}");
        return improved;
    }

    private void Save(bool isRequired)
    {
        _checkpoints.Save(
            _progress with
            {
                RecentLosses = [.. _watch.Losses], RecentNorms = [.. _watch.Norms], StepsAbove = _watch.StepsAbove,
            },
            isRequired);
        _clock.Saved(_checkpoints.SaveTime);
    }

    private RunException Stopped()
    {
        if (_progress.Step > 0)
        {
            Save(isRequired: true);
            _checkpoints.Finish();
        }

        return new RunException(
            _progress.Step > 0 ? ExitCode.Resumable : _stop.UnsavedCode,
            $"training stopped by {_stop.Reason} after {_progress.Step} of {_schedule.TotalSteps} steps. "
            + "The same command goes on from there.");
    }

    private void PassOver(string why)
    {
        _log.Warn($"{why}; they are passed over.");
        _progress = _progress with { PassedOver = _progress.PassedOver + 1 };
    }

    private void HandleNonFinite(double loss, double norm)
    {
        string found = string.Create(
            CultureInfo.InvariantCulture,
            $"step {_progress.Step + 1} (data step {_progress.DataStep}): loss {loss}, gradient norm {norm}; the first "
            + $"that is not finite: {_optimizer.FirstNonFinite() ?? "the loss alone"}; "
            + $"losses before: {LastLosses()}");
        _log.Write("nonfinite", _progress.Step, _progress.Tokens, [("loss", loss), ("grad_norm", norm)]);
        if (_settings.OnNonfinite == NonFinitePolicy.Skip && _progress.Skips < _settings.MaxNonfiniteSkips)
        {
            PassOver(found);
            _progress = _progress with { Skips = _progress.Skips + 1 };
            return;
        }

        if (_settings.OnNonfinite == NonFinitePolicy.Rollback && !_progress.RolledBack
            && _checkpoints.Restore() is { } earlier)
        {
            _log.Warn($"{found}; going back to step {earlier.Step}, once, and past the batch.");
            _progress = earlier with
            {
                RolledBack = true, PassedOver = _progress.DataStep + 1 - earlier.Step,
            };
            _early.Restore(earlier.BestLoss, earlier.Misses);
            _watch.Restore(earlier);
            return;
        }

        throw new RunException(
            ExitCode.Numerics,
            $"{found}. The weights are those of step {_progress.Step}. Lower the learning rate, clip harder, or look "
            + "at the batch; on_nonfinite: skip passes over such steps.");
    }

    private void HandleDivergence(string found, double loss, double norm)
    {
        string where = $"step {_progress.Step + 1} (data step {_progress.DataStep}): {found}";
        _log.Write("divergence", _progress.Step, _progress.Tokens, [("loss", loss), ("grad_norm", norm)]);
        if (_settings.Divergence.Action == DivergenceAction.Stop)
            throw new RunException(
                ExitCode.Numerics,
                $"{where}. The weights are those of step {_progress.Step}. Lower the learning rate or look at the "
                + "batch; divergence.action: warn goes on.");
        _log.Warn($"{where}.");
    }

    private string LastLosses() => string.Join(
        ' ', _watch.Losses.TakeLast(LossesShown).Select(loss => loss.ToString("F4", CultureInfo.InvariantCulture)));

    /// <summary>What should train and gets no gradient is a mistake that would stay unseen.</summary>
    private void RefuseSilence()
    {
        if (_optimizer.SilentParameters() is { Count: > 0 } silent)
            throw new RunException(
                ExitCode.Config,
                $"{silent.Count} trained tensors got no gradient in {SilenceCheckStep} steps: "
                + $"{string.Join(", ", silent.Take(5))}. Freeze them, or find out why the loss does not reach them.");
    }
}
