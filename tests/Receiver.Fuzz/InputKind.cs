namespace Webhooks.Fuzz;

/// <summary>What was done to a request, and so what it must come to.</summary>
internal enum InputKind
{
    /// <summary>As the sender sends it, in one of its spellings: must be taken.</summary>
    Valid,

    /// <summary>A valid one once more, signed anew: must be taken, and stored no second time.</summary>
    Again,

    /// <summary>Changed after it was signed: taken only if what the signature covers is what was signed.</summary>
    Altered,

    /// <summary>Signed by somebody who has no live secret, or for another purpose: must be refused.</summary>
    Forged,

    /// <summary>Signed as it should be, at another time: must be refused.</summary>
    Stale,

    /// <summary>Garbage that bears a good signature: may be taken or refused, whole.</summary>
    Resigned,

    /// <summary>Random headers and bytes: must be refused.</summary>
    Noise,
}
