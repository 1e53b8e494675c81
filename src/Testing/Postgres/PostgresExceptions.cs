namespace Webhooks.Testing;

/// <summary>The server programs of PostgreSQL are not on this machine; the message says where was looked and what to install.</summary>
public sealed class PostgresNotFoundException : Exception
{
    /// <summary>An exception without details.</summary>
    public PostgresNotFoundException() : base("PostgreSQL's server programs were not found.") { }

    /// <summary>An exception with its message.</summary>
    public PostgresNotFoundException(string message) : base(message) { }

    /// <summary>An exception with its message and cause.</summary>
    public PostgresNotFoundException(string message, Exception innerException) : base(message, innerException) { }
}

/// <summary>A private PostgreSQL could not be initialised or started; the message ends with the last lines of the server's log.</summary>
public sealed class PostgresStartException : Exception
{
    /// <summary>An exception without details.</summary>
    public PostgresStartException() : base("PostgreSQL did not start.") { }

    /// <summary>An exception with its message.</summary>
    public PostgresStartException(string message) : base(message) { }

    /// <summary>An exception with its message and cause.</summary>
    public PostgresStartException(string message, Exception innerException) : base(message, innerException) { }
}
