namespace Webhooks.Dispatcher;

/// <summary>The dispatcher cannot start with the settings that it was given. The message begins with the setting's name, and holds none of its text.</summary>
/// <param name="setting">The name of the setting, such as <c>MasterKey</c>; it is put before the message.</param>
/// <param name="problem">What is wrong with it.</param>
/// <param name="innerException">What brought it about.</param>
public sealed class WebhookSettingsException(string setting, string problem, Exception innerException) : InvalidOperationException($"{setting} {problem}", innerException)
{
    /// <summary>The name of the setting.</summary>
    public string Setting { get; } = setting;
}
