"""The signs by which a mail shows what it is: a bounce, a warning of delay, or the answer of a machine."""

import re

from newsletter.bounces.mime import Part

_DAEMON = re.compile(
    r"(?:\A|[<\s\"])(?:mailer-?daemon|mail-?daemon|postmaster|mdaemon|mmdf|microsoftexchange[0-9a-f]*"
    r"|bounces?|no-?reply-?mailer"
    r"|mailerdaemon|mail\.?delivery)[^\s@]{0,60}@|mail delivery (?:sub)?system|mail delivery service"
    r"|internet mail delivery|system administrator|mailer-daemon|postmaster\b",
    re.IGNORECASE,
)
_RETURNED_SUBJECT = re.compile(
    r"undeliver|returned (?:mail|to sender)|return(?:ed|ing) (?:message|e-?mail)|fail(?:ure"
    r"|ed)\b.{0,30}\b(?:notice|deliver|mail|send)"
    r"|deliver\w*\b.{0,40}\b(?:fail|problem|error|report|unsuccess|status|notif)|mail (?:status"
    r"|system) (?:report|error)"
    r"|could not be delivered|can(?:not|'t) be delivered|non-?deliver|not delivered|unable to deliver"
    r"|user unknown|unknown user"
    r"|message status|mail bounced|bounced mail|warning: (?:message|could not send)|nondeliverable"
    r"|non (?:remis|distribu|livr|délivr)|échec (?:de|d)|non[ -]remise|retour(?:né|ner)? .{0,20}expéditeur"
    r"|unzustellbar|zustell(?:ung|fehler)|nicht zugestellt|non recapit|mancato recapito|errore di consegna"
    r"|no entregad|entrega fallida|não entregue|devolvid|onbestelbaar|niet (?:bezorgd|afgeleverd)"
    r"|недоставлен|не доставлен|配信|退信|系统退信",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"\bstatus notification \(delay\)|\bdelay(?:ed)?\b.{0,40}\b(?:mail|deliver|message|notif)|\b(?:mail"
    r"|deliver\w*|message)\b.{0,40}\bdelayed?\b"
    r"|warning(?: message)? only|do not (?:need to )?re-?send|no (?:need|action is required)|will (?:continue"
    r"|keep) (?:to )?try"
    r"|still (?:being )?(?:retr|try|undeliver|queued)|not yet been delivered|will be retried|will retry"
    r"|warning: could not send"
    r"|temporarily (?:undeliver|delayed)|attempts to deliver.{0,30}continue|continue trying"
    r"|retard(?:é|ée)? .{0,40}(?:remise|livraison|distribution|message)|(?:remise|livraison|distribution"
    r"|message).{0,40}(?:est |a été )?(?:retard|différ)"
    r"|verzögert|verspätet|in ritardo|retrasad|vertraagd",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"giving up|given up|gave up|permanent(?:ly)? (?:error|fail|fatal)|fatal error|has been returned"
    r"|being returned"
    r"|retry time(?:out)? (?:not )?(?:exceeded|reached)|retry timeout|too long|could not be delivered for"
    r"|expired|message (?:was )?(?:returned|deleted)"
    r"|queue too long|timed out and was",
    re.IGNORECASE,
)
_ANSWERING_SUBJECT = re.compile(
    r"\A\W{0,5}(?:(?:re|aw|tr|ré)\s?: ?)?\W{0,5}(?:out[ -]of[ -](?:the[ -])?office|auto(?:matic|mated"
    r"|matique)?[ -:]{0,3}(?:reply|response|answer|antwort)"
    r"|automatic(?:ally)? (?:reply|response|generated)|autoreply|auto-?respon(?:se|der)|on vacation"
    r"|vacation\b|away from|i am away|i'm away"
    r"|absen(?:ce|t)\b|(?:notification|message|avis|réponse) d.absence|absence (?:du|de) bureau"
    r"|réponse automatique|r[eé]ponse auto\b"
    r"|en congés?\b|abwesen|automatische (?:antwort|beantwortung)|fuori (?:sede|ufficio)"
    r"|risposta automatica|fuera de (?:la )?oficina"
    r"|respuesta automática|resposta automática|ausência|afwezig|automatisch antwoord|autosvar|nieobecno"
    r"|automatyczna odpowied|自動(?:応答|返信)|自动(?:回复|答复))",
    re.IGNORECASE,
)


def comes_from_a_daemon(mail: Part) -> bool:
    """Whether a mail system wrote it: it can be had no answer from (RFC 5321 §4.5.5), or it signs as one."""
    if any(value.strip(" ") == "<>" for value in mail.all("return-path", "x-envelope-from", "envelope-from")):
        return True
    return any(_DAEMON.search(value) for value in mail.all("from", "sender", "reply-to"))


def looks_returned(mail: Part) -> bool:
    """Whether the subject, or a header that only bounces have, says that a mail was not delivered."""
    return bool(mail.get("x-failed-recipients") or _RETURNED_SUBJECT.search(mail.get("subject")))


def looks_delayed(subject: str, text: str) -> bool:
    """Whether words say that delivery is still being tried."""
    return bool(_DELAYED.search(subject) or (_DELAYED.search(text) and not _GIVEN_UP.search(text)))


def is_answer_of_a_machine(mail: Part) -> bool:
    """Whether nobody wrote it: by RFC 3834 §5, by the headers that were there before, or by its subject."""
    submitted = mail.get("auto-submitted").lower()
    if submitted and not submitted.startswith("no"):
        return True
    if any(mail.get(name) for name in ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-auto-reply")):
        return True
    if mail.get("precedence").lower() in ("auto_reply", "auto-reply"):
        return True
    if mail.get("x-precedence").lower() == "auto_reply" or mail.get("vacation"):
        return True
    return _ANSWERING_SUBJECT.search(mail.get("subject")) is not None
