namespace FastCpt.Kernels.Cpu;

/// <summary>Plain passes over one row.</summary>
internal static unsafe class Rows
{
    /// <summary>target = source, each element rounded to the target's type.</summary>
    public static void Copy<TSource, TTarget>(void* source, void* target, long count)
        where TSource : struct, IElement
        where TTarget : struct, IElement
    {
        long index = 0;
        for (; index + 16 <= count; index += 16)
            TTarget.Store(TSource.Load(source, index), target, index);
        for (; index < count; index++)
            TTarget.Set(TSource.Get(source, index), target, index);
    }

    /// <summary>target += source.</summary>
    public static void Add<TSource, TTarget>(void* source, void* target, long count)
        where TSource : struct, IElement
        where TTarget : struct, IElement
    {
        long index = 0;
        for (; index + 16 <= count; index += 16)
            TTarget.Store(TTarget.Load(target, index) + TSource.Load(source, index), target, index);
        for (; index < count; index++)
            TTarget.Set(TTarget.Get(target, index) + TSource.Get(source, index), target, index);
    }
}
