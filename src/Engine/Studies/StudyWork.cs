using System.Diagnostics;
using System.Globalization;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies;

/// <summary>Makes what is missing of a study's artefacts, like make: in order, each once.</summary>
/// <param name="wanted">In an order in which they can be made.</param>
internal sealed class StudyWork(StudyRun run, IReadOnlyList<Artefact> wanted)
{
    private int _madeCount;

    /// <summary>Artefacts that may be made at once where they can.</summary>
    public int MostTogether { get; init; } = 1;

    /// <summary>Told after each making of what is wanted, not of what that needed to be made once more.</summary>
    public Action AfterMaking { get; init; } = () => { };

    /// <exception cref="RunException">What an artefact ends with; the same call goes on from there.</exception>
    public void MakeAll()
    {
        Directory.CreateDirectory(run.ShardFolder);
        foreach (string folder in new[] { run.OutputDir, run.ShardFolder })
            Resumably("starting", () =>
            {
                using RunLock held = RunLock.Wait(folder, run.Stop);
                Leftovers.Sweep(folder, held, run.Files, run.Say);
            });
        foreach (Artefact artefact in wanted)
        {
            if (artefact.IsUpToDate)
                continue;
            Make(artefact);
            AfterMaking();
        }
    }

    /// <summary>Files of the study's folder; what has the same bytes already is left alone.</summary>
    /// <param name="stale">Paths of files of earlier settings, which are deleted.</param>
    public void WriteResults(IReadOnlyList<(string Name, byte[] Bytes)> files, IReadOnlyList<string>? stale = null)
    {
        Resumably("writing its results", () =>
        {
            using RunLock held = RunLock.Wait(run.OutputDir, run.Stop);
            // The study's own folder is swept at the start; those within it are this method's.
            foreach (string within in files.Select(file => Path.GetDirectoryName(file.Name) ?? "").Distinct())
                if (within.Length > 0 && Path.Combine(run.OutputDir, within) is var folder && Directory.Exists(folder))
                    Leftovers.Sweep(folder, held, run.Files, run.Say);
            foreach (var (name, bytes) in files)
            {
                string path = Path.Combine(run.OutputDir, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!); // not null: it names a file
                if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
                    AtomicFile.Write(path, bytes, run.Files);
            }

            foreach (string path in stale ?? [])
                run.Files.DeleteFile(path);
        });
        if (_madeCount == 0)
            run.Say($"{run.Name}: up to date, {wanted.Count} artefacts");
    }

    private void Make(Artefact artefact)
    {
        foreach (Artefact input in artefact.Inputs)
            if (!input.HasContent)
                Make(input);
        IReadOnlyList<Artefact> together = [artefact, .. Companions(artefact).Take(MostTogether - 1)];
        string names = string.Join(", ", together.Select(one => one.Name));
        run.Say($"[{wanted.Count(other => other.IsUpToDate) + 1}/{wanted.Count}] {names}");
        long start = Stopwatch.GetTimestamp();
        Resumably($"making {names}", () =>
        {
            run.Stop.ThrowIfStopRequested(names);
            Artefact.Make(together, run);
        });
        _madeCount += together.Count;
        run.Say(string.Create(
            CultureInfo.InvariantCulture, $"made {names} in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s"));
    }

    private IEnumerable<Artefact> Companions(Artefact artefact) => artefact.MadeWith is null
        ? []
        : wanted.Where(other => other != artefact && Equals(other.MadeWith, artefact.MadeWith) && !other.IsUpToDate
            && other.Inputs.All(input => input.IsUpToDate && input.HasContent));

    /// <summary>A study keeps what it has made, so a stop is never the end of it.</summary>
    private void Resumably(string doing, Action work)
    {
        try
        {
            work();
        }
        catch (RunException exception)
            when (exception.Code is ExitCode.Resumable or ExitCode.Interrupted or ExitCode.Terminated)
        {
            throw new RunException(
                ExitCode.Resumable,
                $"{run.Name}: stopped by {run.Stop.Reason} while {doing}. The same command goes on.",
                exception);
        }
    }
}
