namespace Webhooks.Signing.Tests;

public class TimestampTests
{
    private static readonly TimeSpan FiveMinutes = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData(0, VerificationStatus.Valid)]
    [InlineData(299, VerificationStatus.Valid)]
    [InlineData(300, VerificationStatus.Valid)]
    [InlineData(301, VerificationStatus.TimestampTooOld)]
    [InlineData(-299, VerificationStatus.Valid)]
    [InlineData(-300, VerificationStatus.Valid)]
    [InlineData(-301, VerificationStatus.TimestampTooNew)]
    public void Verify_DefaultTolerance_IncludesFiveMinutesOnBothSides(int age, VerificationStatus expected)
    {
        var result = Given.Verified(now: Vectors.A.Time.AddSeconds(age));
        // Which secret matched is worth knowing of a stale message too: a replay and a wrong clock look different.
        Assert.Equal(new VerificationResult(expected, 0, Vectors.A.Timestamp), result);
    }

    [Theory]
    [InlineData(300.999, VerificationStatus.Valid)]
    [InlineData(301.001, VerificationStatus.TimestampTooOld)]
    [InlineData(-299.001, VerificationStatus.Valid)]
    [InlineData(-300.001, VerificationStatus.TimestampTooNew)]
    public void Verify_FractionOfNow_IsCutOffBeforeComparing(double age, VerificationStatus expected) =>
        Assert.Equal(expected, Given.Status(now: Vectors.A.Time.AddSeconds(age)));

    [Theory]
    [InlineData(10, 10, VerificationStatus.Valid)]
    [InlineData(10, 11, VerificationStatus.TimestampTooOld)]
    [InlineData(10, -10, VerificationStatus.Valid)]
    [InlineData(10, -11, VerificationStatus.TimestampTooNew)]
    [InlineData(0, 0, VerificationStatus.Valid)]
    [InlineData(0, 1, VerificationStatus.TimestampTooOld)]
    [InlineData(0, -1, VerificationStatus.TimestampTooNew)]
    [InlineData(3600, 3600, VerificationStatus.Valid)]
    [InlineData(3600, 3601, VerificationStatus.TimestampTooOld)]
    public void Verify_OwnTolerance_HoldsOnBothSides(int tolerance, int age, VerificationStatus expected) =>
        Assert.Equal(expected, Given.Status(now: Vectors.A.Time.AddSeconds(age), tolerance: TimeSpan.FromSeconds(tolerance)));

    [Fact]
    public void Verify_OffsetOfNow_DoesNotMatter() =>
        Assert.Equal(VerificationStatus.Valid, Given.Status(now: Vectors.A.Time.ToOffset(TimeSpan.FromHours(14)), tolerance: TimeSpan.Zero));

    [Theory, InlineData(-1), InlineData(-TimeSpan.TicksPerMillisecond), InlineData(-TimeSpan.TicksPerHour), InlineData(long.MinValue)]
    public void Verify_NegativeTolerance_IsTheCallersError(long ticks) =>
        Assert.Equal("tolerance", Assert.Throws<ArgumentOutOfRangeException>(() => Given.Status(tolerance: new TimeSpan(ticks))).ParamName);

    [Fact]
    public void Verify_GreatestTolerance_AcceptsAnyTime()
    {
        Assert.Equal(VerificationStatus.Valid, Given.Status(now: DateTimeOffset.MaxValue, tolerance: TimeSpan.MaxValue));
        Assert.Equal(VerificationStatus.Valid, Given.Status(now: DateTimeOffset.MinValue, tolerance: TimeSpan.MaxValue));
    }

    [Fact]
    public void Verify_AlteredStaleMessage_IsToldNothingAboutTheClock() =>
        Assert.Equal(VerificationStatus.NoMatchingSignature, Given.Status(signature: Vectors.WrongMac, now: Vectors.A.Time.AddYears(1)));

    [Theory]
    [InlineData("+1614265330")]
    [InlineData("+0001614265330")] // verified elsewhere, by a library that signs the number anew
    [InlineData("01614265330")]
    [InlineData("00")]
    [InlineData("-1614265330")]
    [InlineData("-0")]
    [InlineData(" 1614265330")]
    [InlineData("1614265330 ")]
    [InlineData("1614265330\n")]
    [InlineData("1614265330abc")]
    [InlineData("hello")]
    [InlineData("1614265330.0")]
    [InlineData("1614265330.5")]
    [InlineData("1.614265330e9")]
    [InlineData("0x60379132")]
    [InlineData("1,614,265,330")]
    [InlineData("1_614_265_330")]
    [InlineData("１６１４２６５３３０")] // digits, but not ASCII's
    [InlineData("١٦١٤٢٦٥٣٣٠")]
    [InlineData("NaN")]
    [InlineData("2021-02-25T15:02:10Z")]
    [InlineData("1614265330000")] // milliseconds
    [InlineData("9223372036854775807")]
    [InlineData("9223372036854775808")]
    [InlineData("99999999999999999999999999999999999999999999999999")]
    public void Verify_TimestampInAnotherSpelling_IsRefusedThoughTheMacIsRight(string timestamp)
    {
        var asSpelled = Oracle.Sign(Oracle.KeyOf(Vectors.A.Secret), Vectors.A.Id, timestamp, Vectors.A.Body);
        foreach (var signature in (string[])[Vectors.A.Signature, asSpelled])
            Assert.Equal(new VerificationResult(VerificationStatus.MalformedTimestamp), Given.Verified(timestamp: timestamp, signature: signature));
    }

    [Theory, InlineData("0"), InlineData("1"), InlineData("2147483648"), InlineData("4294967296"), InlineData("999999999999")]
    public void Verify_CanonicalTimestampOfAnyYear_IsRead(string timestamp)
    {
        var signature = Oracle.Sign(Oracle.KeyOf(Vectors.A.Secret), Vectors.A.Id, timestamp, Vectors.A.Body);
        var result = WebhookVerifier.VerifyIgnoringTimestamp(Vectors.A.Id, timestamp, signature, Vectors.A.Body, [Given.Secret]);
        Assert.Equal((VerificationStatus.Valid, timestamp), (result.Status, Given.Text(result.Timestamp)));
    }

    [Fact]
    public void Verify_TimestampZero_IsOldNotMissing()
    {
        var signature = WebhookSigner.Sign(Vectors.A.Id, 0, Vectors.A.Body, [Given.Secret]);
        Assert.Equal(VerificationStatus.TimestampTooOld, Given.Status(timestamp: "0", signature: signature));
    }

    [Fact]
    public void Verify_After2038_StillWorks()
    {
        const long Later = 4_102_444_800;
        var signature = WebhookSigner.Sign(Vectors.A.Id, Later, Vectors.A.Body, [Given.Secret]);
        Assert.True(Given.Verified(timestamp: "4102444800", signature: signature, now: DateTimeOffset.FromUnixTimeSeconds(Later)).IsValid);
    }

    [Fact]
    public void VerifyIgnoringTimestamp_StillChecksTheMac()
    {
        Assert.True(WebhookVerifier.VerifyIgnoringTimestamp(
            Vectors.A.Id, "1614265330", Vectors.A.Signature, Vectors.A.Body, [Given.Secret]).IsValid);
        Assert.Equal(VerificationStatus.NoMatchingSignature, WebhookVerifier.VerifyIgnoringTimestamp(
            Vectors.A.Id, "1614265330", Vectors.WrongMac, Vectors.A.Body, [Given.Secret]).Status);
        Assert.Equal(VerificationStatus.MalformedTimestamp, WebhookVerifier.VerifyIgnoringTimestamp(
            Vectors.A.Id, "x", Vectors.A.Signature, Vectors.A.Body, [Given.Secret]).Status);
    }

    [Theory, InlineData(-1), InlineData(long.MinValue)]
    public void Sign_NegativeTimestamp_Throws(long timestamp) => AssertRefused(timestamp);

    // What the signer signs, the verifier must be able to read. Thirteen digits are milliseconds given for seconds.
    [Theory, InlineData(1_000_000_000_000), InlineData(1_614_265_330_000), InlineData(long.MaxValue)]
    public void Sign_TimestampThatNoVerifierReads_Throws(long timestamp) => AssertRefused(timestamp);

    [Fact]
    public void DefaultTolerance_IsFiveMinutes() => Assert.Equal(FiveMinutes, WebhookVerifier.DefaultTolerance);

    private static void AssertRefused(long timestamp) => Assert.Equal(
        "timestamp",
        Assert.Throws<ArgumentOutOfRangeException>(() => WebhookSigner.Sign("msg_1", timestamp, [], [Given.Secret])).ParamName);
}
