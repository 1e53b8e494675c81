using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Tests.Sending;

public class OutcomeClassifierTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(200, false, "delivered")]
    [InlineData(204, false, "delivered")]
    [InlineData(299, false, "delivered")]
    [InlineData(199, false, "http_error")]
    [InlineData(301, false, "redirected")]
    [InlineData(304, false, "redirected")]
    [InlineData(400, false, "http_error")]
    [InlineData(401, false, "http_error")]
    [InlineData(404, false, "http_error")]
    [InlineData(410, false, "gone")]
    [InlineData(429, false, "throttled")]
    [InlineData(500, true, "http_error")]
    [InlineData(503, false, "http_error")]
    [InlineData(503, true, "unavailable")]
    [InlineData(999, false, "http_error")]
    public void Classify_Status_ByItsName(int status, bool asksToWait, string word) => Assert.Equal(word, OutcomeClassifier.Classify(status, asksToWait).Word());

    [Theory]
    [InlineData("0", 1)]
    [InlineData("1", 1)]
    [InlineData("120", 120)]
    [InlineData("3600", 3600)]
    [InlineData("86400", 3600)]
    [InlineData("2147483647", 3600)]
    [InlineData("Sat, 21 Nov 2026 12:02:00 GMT", 120)]
    [InlineData("Sat, 21 Nov 2026 11:00:00 GMT", 1)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 3600)]
    [InlineData("soon", null)]
    [InlineData("-5", null)]
    [InlineData("99999999999999999999", null)]
    public void RetryAfter_SecondsOrDate_IsBounded(string value, int? seconds)
    {
        using var response = new HttpResponseMessage();
        response.Headers.TryAddWithoutValidation("Retry-After", value);
        RetryConditionHeaderValue? header = response.Headers.RetryAfter;
        Assert.Equal(seconds, (int?)OutcomeClassifier.RetryAfter(header, Noon)?.TotalSeconds);
    }

    [Fact]
    public void Classify_Exception_ByItsCause()
    {
        Assert.Equal(AttemptOutcome.AddressRefused, Classify(new HttpRequestException("", new ConnectFailure(AttemptOutcome.AddressRefused, ""))));
        Assert.Equal(AttemptOutcome.AddressRefused, OutcomeClassifier.Classify(new HttpRequestException("", new ConnectFailure(AttemptOutcome.AddressRefused, "")), timedOut: true));
        Assert.Equal(AttemptOutcome.TlsExpired, Classify(new HttpRequestException("", new ConnectFailure(AttemptOutcome.TlsExpired, ""))));
        Assert.Equal(AttemptOutcome.ConnectTimedOut, Classify(new TaskCanceledException("", new TimeoutException())));
        Assert.Equal(AttemptOutcome.TimedOut, OutcomeClassifier.Classify(new TaskCanceledException(), timedOut: true));
        Assert.Equal(AttemptOutcome.TimedOut, OutcomeClassifier.Classify(new IOException(), timedOut: true));
        Assert.Equal(AttemptOutcome.TlsFailed, Classify(new HttpRequestException("", new AuthenticationException())));
        Assert.Equal(AttemptOutcome.DnsFailed, Classify(new HttpRequestException(HttpRequestError.NameResolutionError)));
        // A resolver that does not answer: what the handler calls a failed connection.
        Assert.Equal(AttemptOutcome.DnsFailed, Classify(new HttpRequestException(HttpRequestError.ConnectionError, "", new SocketException((int)SocketError.TryAgain))));
        Assert.Equal(AttemptOutcome.DnsFailed, Classify(new HttpRequestException(HttpRequestError.ConnectionError, "", new SocketException((int)SocketError.NoData))));
        Assert.Equal(AttemptOutcome.ConnectFailed, Classify(new HttpRequestException(HttpRequestError.ConnectionError, "", new SocketException((int)SocketError.ConnectionRefused))));
        Assert.Equal(AttemptOutcome.ConnectionReset, Classify(new HttpRequestException(HttpRequestError.ResponseEnded)));
        Assert.Equal(AttemptOutcome.ConnectionReset, Classify(new IOException()));
        Assert.Equal(AttemptOutcome.ResponseTooLarge, Classify(new HttpRequestException(HttpRequestError.ConfigurationLimitExceeded)));
        Assert.Equal(AttemptOutcome.InvalidResponse, Classify(new HttpRequestException(HttpRequestError.InvalidResponse)));
    }

    [Fact]
    public void Word_EveryOutcome_HasOne() =>
        Assert.Equal(Enum.GetValues<AttemptOutcome>().Length, Enum.GetValues<AttemptOutcome>().Select(outcome => outcome.Word()).Distinct().Count());

    private static AttemptOutcome Classify(Exception exception) => OutcomeClassifier.Classify(exception, timedOut: false);

    [Theory]
    [InlineData("99999999999", 3600)]
    [InlineData("99999999999999999999", 3600)]
    [InlineData("120", 120)]
    [InlineData("-5", null)]
    [InlineData("soon", null)]
    public void RetryAfter_AnyNumber_IsHeldBetweenASecondAndAnHour(string value, int? seconds)
    {
        using var response = new HttpResponseMessage();
        response.Headers.TryAddWithoutValidation("Retry-After", value);
        Assert.Equal(seconds is { } expected ? TimeSpan.FromSeconds(expected) : null, OutcomeClassifier.RetryAfter(response.Headers, DateTimeOffset.UnixEpoch));
    }
}
