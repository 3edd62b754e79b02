using System.Collections.Concurrent;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Reads what a merge needs of one input a few pieces ahead, and hashes its files where their hashes are not
/// remembered, on a thread of its own.</summary>
internal sealed class PieceReader : IDisposable
{
    private const int Buffers = 3, PollMilliseconds = 50;

    private readonly BlockingCollection<byte[]> _free = [], _full = [];
    private readonly CancellationTokenSource _cancel = new();
    private readonly HashedTensors _tensors;
    private readonly Task<Dictionary<string, string>> _work;

    /// <param name="pieces">In the order in which they are taken; enumerated on the thread.</param>
    /// <param name="memory">Not used on the thread.</param>
    public PieceReader(NamedTensors input, IEnumerable<Piece> pieces, FileHashes memory)
    {
        _tensors = new HashedTensors(input, memory);
        for (int i = 0; i < Buffers; i++)
            _free.Add(GC.AllocateUninitializedArray<byte>(Piece.MostBytes));
        _work = Task.Factory.StartNew(
            () => Read(pieces), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The next piece, to be given back with <see cref="Return"/>.</summary>
    /// <exception cref="RunException">Exit 4: it could not be read.</exception>
    public byte[] Take()
    {
        if (_full.TryTake(out byte[]? piece, Timeout.Infinite))
            return piece;
        _work.GetAwaiter().GetResult();
        throw new InvalidOperationException("More pieces are taken than were announced.");
    }

    public void Return(byte[] piece) => _free.Add(piece);

    /// <summary>SHA-256 of the input's files by name; waits until they are read whole.</summary>
    /// <exception cref="RunException">Exit 4: a file could not be read. Exit 130, 143: stopped.</exception>
    public Dictionary<string, string> Hashes(StopSignal? stop)
    {
        while (Task.WaitAny([_work], PollMilliseconds) < 0)
            stop?.ThrowIfStopRequested("merge");
        return _work.GetAwaiter().GetResult();
    }

    /// <summary>What to remember of files that were read, once their hashes are there.</summary>
    public IEnumerable<(string Path, string? State, string Hash)> Found => _tensors.Found;

    /// <summary>Returns when nothing reads the input any more.</summary>
    public void Dispose()
    {
        _cancel.Cancel();
        Task.WhenAny(_work).Wait();
        _tensors.Dispose();
        _free.Dispose();
        _full.Dispose();
        _cancel.Dispose();
    }

    private Dictionary<string, string> Read(IEnumerable<Piece> pieces)
    {
        try
        {
            foreach (Piece piece in pieces)
            {
                byte[] buffer = _free.Take(_cancel.Token);
                _tensors.Read(piece.Entry.Name, piece.Offset, buffer.AsSpan(0, piece.Bytes), _cancel.Token);
                _full.Add(buffer);
            }
        }
        finally
        {
            _full.CompleteAdding();
        }

        return _tensors.Finish(_cancel.Token);
    }
}
