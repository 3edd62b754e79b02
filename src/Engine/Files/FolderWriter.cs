using System.Security.Cryptography;

namespace FastCpt.Engine.Files;

/// <summary>Writes a folder so that after a crash at any instant it is there completely or not at all.</summary>
/// <remarks>
/// The files are written and synced in a temporary folder beside the final one; <see cref="Complete"/> syncs that
/// folder, renames it and syncs its parent. Disposing an incomplete writer removes what was written.
/// A folder that is replaced changes places with the new one in one step. Where the file system cannot do that, it is
/// set aside under a name that the next writer of the same folder looks for, and brings back if the new one is missing.
/// </remarks>
public sealed class FolderWriter : FolderOutput, IDisposable
{
    private readonly FileSystem _fileSystem;
    private readonly string _temporary;
    private readonly List<string> _names = [];
    private readonly List<FileDigest> _files = [];
    private bool _isComplete;

    /// <param name="path">The final folder; its parent exists.</param>
    /// <exception cref="RunException">Exit code 6: the temporary folder cannot be created.</exception>
    public FolderWriter(string path, FileSystem? fileSystem = null)
    {
        Path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        _fileSystem = fileSystem ?? FileSystem.Real;
        _temporary = Leftovers.TemporaryFor(Path);
        Guard(() =>
        {
            BringBack();
            _fileSystem.CreateFolder(_temporary);
        });
    }

    /// <summary>The final folder.</summary>
    public override string Path { get; }

    public override IEnumerable<string> Names => _names;

    /// <summary>What is known of them; empty without <see cref="KeepsDigests"/>.</summary>
    public IReadOnlyList<FileDigest> Files => _files;

    /// <summary>Whether checksums are computed on the way; SHA-256 costs more than writing.</summary>
    public bool KeepsDigests { get; init; } = true;

    /// <summary>Leaves the temporary folder for inspection when the save fails.</summary>
    public bool KeepFailed { get; init; }

    /// <summary>Writes a file and waits until its bytes are on the medium.</summary>
    /// <inheritdoc/>
    public override void Write(string name, Action<Stream> content, long length = 0)
    {
        if (name.Length == 0 || name != System.IO.Path.GetFileName(name) || name is "." or "..")
            throw new ArgumentException($"'{name}' is not one path component.", nameof(name));
        Guard(() =>
        {
            using var writer = new FileWriter(_fileSystem, System.IO.Path.Combine(_temporary, name), length);
            using HashingStream? hashing = KeepsDigests ? new HashingStream(writer) : null;
            content((Stream?)hashing ?? writer);
            writer.Complete();
            _names.Add(name);
            if (hashing is not null)
                _files.Add(new FileDigest(name, writer.Length, hashing.Crc, hashing.Sha256()));
        });
    }

    /// <summary>Gives the folder its final name.</summary>
    /// <param name="replace">Take the place of a folder that has the name; else its presence is an error.</param>
    /// <exception cref="RunException">
    /// Exit code 6: the rename or a sync failed, or the name is taken. What had the name has it still.
    /// </exception>
    public void Complete(bool replace = false) => Guard(() =>
    {
        string parent = System.IO.Path.GetDirectoryName(Path)!;     // not null: a root folder has no temporary name
        _fileSystem.SyncFolder(_temporary);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_temporary, File.GetUnixFileMode(parent));
        if (!replace || !Directory.Exists(Path))
        {
            _fileSystem.RenameFolder(_temporary, Path);
            SyncOr(parent, () => Directory.Move(Path, _temporary));
        }
        else if (_fileSystem.TryExchangeFolders(_temporary, Path))
        {
            SyncOr(parent, () => _fileSystem.TryExchangeFolders(_temporary, Path));
            RemoveOld(_temporary);
        }
        else
        {
            ReplaceAside(parent);
        }
    });

    /// <summary>Removes what was written, unless the folder is complete.</summary>
    public void Dispose()
    {
        if (_isComplete || KeepFailed || !Directory.Exists(_temporary))
            return;
        try
        {
            Directory.Delete(_temporary, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A leftover does no harm and is swept at the next start; the error that led here is the one to report.
        }
    }

    private void ReplaceAside(string parent)
    {
        string old = Leftovers.AsideFor(Path);
        _fileSystem.RenameFolder(Path, old);
        try
        {
            _fileSystem.RenameFolder(_temporary, Path);
            SyncOr(parent, () => Directory.Move(Path, _temporary));
        }
        catch
        {
            Directory.Move(old, Path);
            throw;
        }

        RemoveOld(old);
    }

    /// <summary>What is reported as not saved is not there either.</summary>
    private void SyncOr(string parent, Action undo)
    {
        try
        {
            _fileSystem.SyncFolder(parent);
            _isComplete = true;
        }
        catch
        {
            undo();
            throw;
        }
    }

    private void BringBack()
    {
        string old = Leftovers.AsideFor(Path);
        if (!Directory.Exists(old))
            return;
        if (Directory.Exists(Path))
            RemoveOld(old);
        else
            _fileSystem.RenameFolder(old, Path);
    }

    /// <summary>Best effort: the new folder is there, so a leftover of the old one is no failure.</summary>
    private void RemoveOld(string old)
    {
        try
        {
            _fileSystem.DeleteFolder(old);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A sweep, or the next writer of the folder, removes it.
        }
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Resources, $"{Path}: could not be saved: {e.Message}", e);
        }
    }

    /// <summary>Passes bytes on and computes both checksums on the way.</summary>
    private sealed class HashingStream(FileWriter target) : Stream
    {
        private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public uint Crc { get; private set; }

        public override long Length => target.Length;
        public override long Position { get => target.Length; set => throw new NotSupportedException(); }
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;

        public string Sha256() => Convert.ToHexStringLower(_sha256.GetHashAndReset());

        public override void Write(ReadOnlySpan<byte> bytes)
        {
            target.Write(bytes);
            Crc = Crc32C.Append(Crc, bytes);
            _sha256.AppendData(bytes);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void WriteByte(byte value) => Write([value]);
        public override void Flush() => target.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _sha256.Dispose();
            base.Dispose(disposing);
        }
    }
}
