namespace Webhooks.Dispatcher.Database;

/// <summary>What was done in a transaction that is still open.</summary>
/// <param name="Result">What came of it, provided that it commits.</param>
/// <param name="AfterCommit">What is to be done when it has committed, and never before: waking those whom it concerns, and waiting for them.</param>
internal readonly record struct Uncommitted<T>(T Result, Func<Task> AfterCommit);
