namespace Webhooks.Dispatcher.Api;

/// <summary>One resource of the API.</summary>
internal interface IApiResource
{
    IEnumerable<ApiRoute> Routes { get; }
}
