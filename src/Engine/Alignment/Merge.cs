using System.Text.Json.Nodes;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;

namespace FastCpt.Engine.Alignment;

/// <summary>The frame of every operation from model folders to a model folder.</summary>
/// <remarks>
/// Tensors are streamed; memory is that of a few chunks. The new folder appears complete, with a manifest, or not at
/// all. What is not a tensor (configuration, tokenizer) is copied from the first input.
/// </remarks>
internal static class Merge
{
    /// <param name="inputs">With the role that the manifest names.</param>
    /// <param name="blend">How a tensor is made from the inputs, by their place in the list.</param>
    /// <exception cref="RunException">Exit 3: the output. Exit 4: the inputs. Exit 6: the disk.</exception>
    public static void Run(
        string operation, JsonObject parameters, IReadOnlyList<(MergeInput Model, string Role)> inputs,
        Func<string, Blend> blend, MergeOutput output)
    {
        CheckOutput(inputs, output);
        for (int i = 1; i < inputs.Count; i++)
            ModelAgreement.Require(inputs[0].Model.Folder, inputs[i].Model.Folder);
        var folders = new List<TensorFolder>();
        try
        {
            foreach (var (model, _) in inputs)
                folders.Add(TensorFolder.Open(model.Folder, output.Warn));
            using var writer = new FolderWriter(output.Folder, output.FileSystem) { KeepsDigests = false };
            IReadOnlyList<Dictionary<string, string>> hashes =
                Combine.Write(Named(folders), blend, writer, output.Memory, output.Progress, output.Stop);
            var descriptions = new JsonArray([.. inputs.Select((input, i) =>
                MergeManifest.Describe(input.Model, input.Role, hashes[i]))]);
            writer.Write(MergeManifest.FileName,
                stream => MergeManifest.Write(stream, operation, parameters, descriptions));
            TensorFolderWriter.CopyOthers(inputs[0].Model.Folder, writer);
            writer.Complete(output.Replace);
        }
        finally
        {
            foreach (TensorFolder folder in folders)
                folder.Dispose();
        }
    }

    /// <summary>The tensors by name; of a multimodal folder the text part, where the first is text only.</summary>
    private static NamedTensors[] Named(IReadOnlyList<TensorFolder> folders)
    {
        NamedTensors[] named = [.. folders.Select(folder => new NamedTensors(folder))];
        for (int i = 1; i < named.Length; i++)
            if (!named[0].Names.Any(StoredNames.IsVisionPart) && named[i].Names.Any(StoredNames.IsVisionPart))
                named[i] = new NamedTensors(folders[i], TextName);
        return named;

        static string? TextName(string stored) =>
            StoredNames.IsVisionPart(stored) || StoredNames.IsComputedTable(stored)
                ? null
                : StoredNames.WithoutPrefix(stored);
    }

    internal static void CheckOutput(IReadOnlyList<(MergeInput Model, string Role)> inputs, MergeOutput output)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output.Folder));
        foreach (var (model, _) in inputs)
        {
            if (!Directory.Exists(model.Folder))
                throw new RunException(ExitCode.ModelFile, $"{model.Folder}: there is no such folder.");
            if (Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Folder)) == path)
                throw new RunException(ExitCode.Config,
                    $"{output.Folder}: is an input of the merge as well. Choose another output folder.");
        }
        if (File.Exists(path) || (Directory.Exists(path) && !output.Replace))
            throw new RunException(ExitCode.Config,
                $"{output.Folder}: exists already. Choose another output folder, or allow it to be replaced.");
        if (Path.GetDirectoryName(path) is { } parent)
            Config.OutputFolder.Prepare(parent);
    }
}
