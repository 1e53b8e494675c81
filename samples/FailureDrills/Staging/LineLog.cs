using Microsoft.Extensions.Logging;

namespace Webhooks.FailureDrills.Staging;

/// <summary>Takes log entries as lines.</summary>
internal sealed class LineLog(Action<string> take) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Lines(categoryName, take);

    public void Dispose() { }

    private sealed class Lines(string category, Action<string> take) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) take($"{logLevel} {category}: {formatter(state, exception)}{(exception is null ? "" : $" ({exception.Message})")}");
        }
    }
}
