using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Webhooks.Dispatcher.Api;

/// <summary>What a call is answered: a status and a JSON body, or none.</summary>
internal sealed record ApiResult(int Status, byte[]? Body)
{
    public static readonly ApiResult NoContent = new(204, null);

    public static ApiResult Of<T>(T value, JsonTypeInfo<T> type, int status = 200) => new(status, JsonSerializer.SerializeToUtf8Bytes(value, type));
}
