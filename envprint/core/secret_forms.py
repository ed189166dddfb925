"""The forms of well-known tokens and keys: alphabet and length; `secret_beginnings` has the rest.

A prefix alone is not enough: `/data/hf_cache` and `sk-learn` begin like tokens. What gets hidden is
the whole match, or group 1 of the pattern. Lengths are those that issuers publish or secret
scanners use; where an issuer says that tokens may grow, only the minimum counts.
"""

import re
from functools import cache

from envprint.core.secret_beginnings import BEGINNINGS


class Form:
    """One form of token."""

    # A named tuple would take longer to make than all forms.
    __slots__ = ("begins", "is_random", "is_whole", "name", "pattern")

    def __init__(
        self,
        name: str,
        pattern: str,
        is_random: bool = True,
        is_whole: bool = False,
    ) -> None:
        self.name = name
        self.begins = BEGINNINGS[name]
        """A token of this form holds one of these, so that most texts need no pattern."""
        self.pattern = pattern
        """Of what follows one of `begins`, or of all with `is_whole`."""
        self.is_random = is_random
        """Whether its letters hold 128 bits of chance or more; only such words are sealed."""
        self.is_whole = is_whole


_B64 = "[A-Za-z0-9_-]"
_LEFT = r"(?<![A-Za-z0-9])"
_RIGHT = r"(?![A-Za-z0-9_])"


def _whole(name: str, pattern: str) -> Form:
    """A form whose pattern matches the whole token."""
    return Form(name, pattern, is_whole=True)


FORMS = (
    # https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available
    Form("github", "[A-Za-z0-9_.-]{36,251}"),
    # https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
    Form("github-fine-grained", "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    # https://docs.gitlab.com/security/tokens/#token-prefixes
    Form(
        "gitlab",
        "[A-Za-z0-9_.-]{20,}",
        is_random=False,  # 20 characters of 64 hold 120 bits
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    Form("aws", "[A-Z0-9]{16}", is_random=False),
    Form("aws-older", "[A-Z0-9]{17}", is_random=False),
    # https://cloud.google.com/docs/authentication/api-keys
    Form("google-api", f"{_B64}{{35}}"),
    Form("google-oauth", "[A-Za-z0-9_.-]{30,}"),
    Form("google-refresh", f"{_B64}{{40,}}"),
    Form("google-client", f"{_B64}{{28}}"),
    # https://github.blog/security/announcing-npms-new-access-token-format/
    Form("npm", "[A-Za-z0-9]{36}"),
    # Macaroons; in base64 those of version 2 begin with AgE:
    # https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
    Form("package-index", rf"(?=AgE|\S{{90}}){_B64}{{50,}}"),
    # https://docs.nvidia.com/ngc/latest/ngc-user-guide.html
    Form("nvidia", f"{_B64}{{30,}}"),
    # https://docs.stripe.com/keys
    Form(
        "stripe",
        "[A-Za-z0-9]{24,}",
    ),
    Form("stripe-webhook", "[A-Za-z0-9+/]{32,}={0,2}"),
    # https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys
    Form("sendgrid", rf"{_B64}{{22}}\.{_B64}{{43}}"),
    # https://docs.slack.dev/authentication/tokens
    Form(
        "slack",
        r"(?=[A-Za-z.-]{0,40}\d)[A-Za-z0-9.%-]{20,}",
    ),
    Form("slack-app", r"\d-[A-Z0-9]{8,}-\d+-[a-f0-9]{32,}"),
    # https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    _whole(
        "slack-hook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?!\S*<hidden>)([^\s\"'<>]+)",
    ),
    # https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/
    _whole(
        "office-hook",
        r"/IncomingWebhook/(?!\S*<hidden>)([^\s\"'<>]+)",
    ),
    # https://discord.com/developers/docs/resources/webhook
    _whole("discord-hook", rf"/api/webhooks/(\d{{15,}}/{_B64}{{60,}})"),
    # https://core.telegram.org/bots/api#authorizing-your-bot
    _whole("telegram", rf"(?<!\d)\d{{8,10}}:AA{_B64}{{33}}{_RIGHT}"),
    # https://huggingface.co/docs/hub/security-tokens
    Form("hugging-face", "[A-Za-z0-9]{34}"),
    # https://platform.openai.com/docs/api-reference/authentication
    Form("openai", r"(?=[A-Za-z]*\d)[A-Za-z0-9]{32,}"),
    Form(
        "openai-project",
        f"{_B64}{{32,}}",
    ),
    # https://docs.anthropic.com/en/api/overview
    Form("anthropic", f"{_B64}{{32,}}"),
    # https://docs.wandb.ai/models/app/settings-page/user-settings; older keys are 40
    # hexadecimal digits, which only a name distinguishes from a commit.
    Form("wandb", "[A-Za-z0-9_]{32,}"),
    # https://www.kaggle.com/docs/api
    Form("kaggle", "[a-f0-9]{32}"),
    # https://console.groq.com/docs/api-reference
    Form("groq", "[A-Za-z0-9]{40,}"),
    # https://replicate.com/docs/topics/security/api-tokens
    Form("replicate", "[A-Za-z0-9]{37}"),
    Form("perplexity", "[A-Za-z0-9]{40,}"),
    Form("xai", "[A-Za-z0-9]{70,}"),
    # https://docs.databricks.com/aws/en/dev-tools/auth/pat
    Form("databricks", r"[a-f0-9]{32}(?:-\d)?"),
    # https://docs.docker.com/security/access-tokens/
    Form("docker", f"{_B64}{{20,}}", is_random=False),
    # https://docs.digitalocean.com/reference/api/create-personal-access-token/
    Form("digitalocean", "[a-f0-9]{64}"),
    # https://developer.hashicorp.com/vault/docs/concepts/tokens
    Form("vault", f"{_B64}{{24,}}"),
    _whole(
        "terraform",
        rf"{_LEFT}[A-Za-z0-9]{{14}}\.atlasv1\.{_B64}{{60,}}",
    ),
    # https://grafana.com/docs/grafana/latest/administration/service-accounts/
    Form("grafana", "[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    Form("grafana-cloud", "[A-Za-z0-9+/]{32,}={0,2}"),
    Form("artifactory", "[A-Za-z0-9]{60,}"),
    Form("tailscale", "[a-z]{2,9}-[A-Za-z0-9]{6,}-[A-Za-z0-9]{20,}"),
    Form("supabase", "[a-f0-9]{40}"),
    Form("figma", f"{_B64}{{40}}"),
    Form("doppler", "[A-Za-z0-9._-]{40,}"),
    Form("new-relic", "[A-Z0-9]{27}"),
    Form("square", f"{_B64}{{22,43}}", is_random=False),
    Form("notion", "[A-Za-z0-9]{40,}"),
    # https://www.alibabacloud.com/help/en/ram/
    Form("alibaba", "(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,20}", is_random=False),
    Form("sentry", r"[A-Za-z0-9_+/.=-]{40,}"),
    Form("shopify", "[A-Fa-f0-9]{32}"),
    Form("rubygems", "[a-f0-9]{48}"),
    Form("pulumi", "[a-f0-9]{40}"),
    Form("postman", "[a-f0-9]{24}-[a-f0-9]{34}"),
    Form("linear", "[A-Za-z0-9]{40}"),
    Form("prefect", "[A-Za-z0-9]{36}"),
    Form("bitbucket", "[A-Za-z0-9]{32}"),
    Form("atlassian", "[A-Za-z0-9_=-]{100,}"),
    # https://www.twilio.com/docs/iam/api-keys
    Form("twilio", "[a-f0-9]{32}"),
    # https://age-encryption.org/v1
    Form("age", "[A-Z0-9]{58}"),
    # https://learn.microsoft.com/en-us/purview/sit-defn-client-secret-api-key
    _whole("azure", rf"{_LEFT}[A-Za-z0-9_~.-]{{3}}\dQ~[A-Za-z0-9_~.-]{{31,34}}"),
    # https://www.rfc-editor.org/rfc/rfc7519#section-3: three parts in base64url, two of them JSON
    _whole("jwt", rf"{_LEFT}eyJ{_B64}{{12,2000}}\.eyJ{_B64}{{8,}}\.{_B64}{{20,}}"),
    # https://www.rfc-editor.org/rfc/rfc7516#section-3: five parts, the first of them JSON
    _whole("jwe", rf"{_LEFT}eyJ{_B64}{{12,2000}}\.{_B64}*\.{_B64}+\.{_B64}+\.{_B64}+"),
    # Neptune's API token: JSON with the URL of the API, in base64.
    _whole("neptune", rf"{_LEFT}eyJhcGlf[A-Za-z0-9+/_-]{{40,}}={{0,2}}"),
    # https://www.rfc-editor.org/rfc/rfc7468#section-10; PGP adds `BLOCK`, SSH `OPENSSH`
    _whole(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
)


@cache
def find(form: Form) -> re.Pattern[str]:
    """The pattern for the whole token, compiled on first use."""
    if form.is_whole:
        return re.compile(form.pattern)
    either = "|".join(map(re.escape, form.begins))
    return re.compile(f"{_LEFT}(?:{either})(?:{form.pattern}){_RIGHT}")


def is_random(word: str) -> bool:
    """Whether the form of a whole word implies at least 128 bits of entropy."""
    if re.fullmatch("[0-9A-Fa-f]{32,}", word):
        return len(set(word)) >= 8
    if re.fullmatch("[A-Za-z0-9+/_.~-]{32,}={0,2}", word) and len(set(word)) >= 16:
        return all(re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return any(
        form.is_random and find(form).fullmatch(word)
        for form in FORMS
        if any(begin in word for begin in form.begins)
    )
