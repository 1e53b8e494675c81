using System.Globalization;
using Hangfire.Dashboard;
using Hangfire.Dashboard.Pages;
using Microsoft.Extensions.DependencyInjection;

namespace Webhooks.Dispatcher.Hangfire.Dashboard;

/// <summary>The page of Hangfire's dashboard that lists the streams. Everything that came from outside goes through <c>Write</c>, which escapes it.</summary>
internal sealed class StreamsPage : RazorPage
{
    public const string Path = "/webhooks";
    public const string PausePath = "/webhooks/pause/(?<endpoint>ep_[0-9a-f]+)";
    public const string ResumePath = "/webhooks/resume/(?<endpoint>ep_[0-9a-f]+)";

    public override void Execute()
    {
        Layout = new LayoutPage("Webhooks");
        var pausedOnly = Query("status") == "paused";
        if (!long.TryParse(Query("before"), NumberStyles.None, CultureInfo.InvariantCulture, out var before)) before = long.MaxValue;
        var lines = Context.GetHttpContext().RequestServices.GetRequiredService<StreamList>().Read(pausedOnly, before);

        WriteLiteral("<div class=\"row\"><div class=\"col-md-12\"><h1 id=\"page-title\" class=\"page-header\">Webhook streams</h1><div class=\"btn-toolbar\">");
        Link("All", Path, !pausedOnly);
        Link("Paused", Path + "?status=paused", pausedOnly);
        WriteLiteral("</div><br>");
        if (lines.Count == 0) WriteLiteral("<div class=\"alert alert-info\">There are no such streams.</div>");
        else Table(lines);
        var status = pausedOnly ? "&status=paused" : "";
        if (lines.Count == StreamList.PageSize) Link("Older", string.Create(CultureInfo.InvariantCulture, $"{Path}?before={lines[^1].Key}{status}"), false);
        WriteLiteral("</div></div>");
    }

    private void Table(List<StreamLine> lines)
    {
        WriteLiteral("<div class=\"table-responsive\"><table class=\"table table-hover\" aria-describedby=\"page-title\"><thead><tr>");
        foreach (var heading in new[] { "Endpoint", "Application", "URL", "State", "Settled up to", "Head", "Behind", "Failures", "Work", "" }) Cell(heading, "th");
        WriteLiteral("</tr></thead><tbody>");
        foreach (var line in lines) Row(line);
        WriteLiteral("</tbody></table></div>");
    }

    private void Row(StreamLine line)
    {
        var paused = line.Status == "paused";
        WriteLiteral(paused ? "<tr class=\"warning\">" : "<tr>");
        Cell(line.Endpoint);
        Cell(line.Application);
        Cell(line.Url);
        WriteLiteral("<td title=\"");
        Write(line.Evidence);
        WriteLiteral("\">");
        Write(paused ? $"paused: {line.Reason}" : line.Status);
        WriteLiteral("</td>");
        Cell(line.Cursor);
        Cell(line.Head);
        Cell(line.Head - line.Cursor);
        Cell(line.Failures);
        Cell(line.DueAt is { } due ? $"{line.Work} {due.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z" : line.Work);
        WriteLiteral("<td>");
        if (!IsReadOnly) Button(paused ? "resume" : "pause", line.Endpoint);
        WriteLiteral("</td></tr>");
    }

    private void Button(string act, string endpoint)
    {
        WriteLiteral("<button class=\"btn btn-default btn-xs\" data-ajax=\"");
        Write(Url.To($"{Path}/{act}/{endpoint}"));
        WriteLiteral("\" data-confirm=\"");
        Write($"Do you want to {act} {endpoint}?");
        WriteLiteral("\">");
        Write(char.ToUpperInvariant(act[0]) + act[1..]);
        WriteLiteral("</button>");
    }

    private void Link(string text, string to, bool active)
    {
        WriteLiteral(active ? "<a class=\"btn btn-default btn-sm active\" href=\"" : "<a class=\"btn btn-default btn-sm\" href=\"");
        Write(Url.To(to));
        WriteLiteral("\">");
        Write(text);
        WriteLiteral("</a> ");
    }

    private void Cell(object? value, string kind = "td")
    {
        WriteLiteral($"<{kind}>");
        Write(value);
        WriteLiteral($"</{kind}>");
    }
}
