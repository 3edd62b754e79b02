namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void EmbeddingKernel(Tensor ids, Tensor table, float scale, Tensor y)
    {
        Elements vectors = new(table), output = new(y);
        ReadOnlySpan<int> pieces = Integers(ids);
        for (int row = 0; row < pieces.Length; row++)
            for (long col = 0; col < y.Cols; col++)
                output[row, col] = scale * vectors[pieces[row], col];
    }

    protected override void EmbeddingBackwardKernel(Tensor ids, Tensor dy, float scale, int padding, Tensor dTable)
    {
        Elements dOutput = new(dy), dVectors = new(dTable);
        ReadOnlySpan<int> pieces = Integers(ids);
        for (int piece = 0; piece < dTable.Rows; piece++)
        {
            if (piece == padding || !pieces.Contains(piece))
                continue;
            for (long col = 0; col < dy.Cols; col++)
            {
                double sum = 0;
                for (int row = 0; row < pieces.Length; row++)
                    if (pieces[row] == piece)
                        sum += scale * dOutput[row, col];
                dVectors[piece, col] += sum;
            }
        }
    }
}
