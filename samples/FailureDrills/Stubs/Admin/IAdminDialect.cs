using System.Text.Json;
using System.Text.Json.Nodes;
using Webhooks.FailureDrills.Declaring;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Stubs.Admin;

/// <summary>How one kind of WireMock writes down mappings and reads out its journal; pure. The paths of the admin API are the same.</summary>
internal interface IAdminDialect
{
    /// <summary>The driver's name.</summary>
    string Name { get; }

    Can Can { get; }

    /// <summary>One mapping for each answer of a script, chained by the states of a scenario.</summary>
    /// <param name="path">The stub's own path.</param>
    /// <param name="scenario">A name of its own for each playing of a script.</param>
    /// <param name="script">The script.</param>
    /// <param name="forward">Where requests that are passed on go.</param>
    IEnumerable<(Guid Id, JsonObject Mapping)> Map(string path, string scenario, Script script, Uri? forward);

    /// <summary>The request that adds one of them, below <c>/__admin</c>.</summary>
    HttpRequestMessage Add(Guid id, JsonObject mapping);

    /// <summary>The request that forgets the state of a scenario without mappings; null when nothing is left of it.</summary>
    HttpRequestMessage? ForgetScenario(string scenario);

    /// <summary>The request that reads the journal of a path, below <c>/__admin</c>.</summary>
    HttpRequestMessage AskJournal(string path);

    /// <summary>The requests in an answer to that, in the order of arrival, numbered from 1.</summary>
    IReadOnlyList<CapturedRequest> ReadJournal(JsonElement answer, string path);

    /// <summary>The request that forgets a path's requests; null when the server has none.</summary>
    HttpRequestMessage? ForgetJournal(string path);
}
