"""The matrix: requirements of OWASP ASVS 5.0, RFC 9700 and RFC 8725 in our own words, each with how it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from authgateway.audit import findings as f


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """``tests`` are beginnings of test names; each must have passed at least once and never failed."""

    standard: str
    id: str
    requirement: str
    check: f.Check | None = None
    tests: tuple[str, ...] = ()


def _asvs(id: str, requirement: str, *tests: str, check: f.Check | None = None) -> Row:
    return Row(standard="ASVS 5.0", id=id, requirement=requirement, check=check, tests=_names(tests))


def _bcp(id: str, requirement: str, *tests: str, check: f.Check | None = None) -> Row:
    return Row(standard="RFC 9700", id=id, requirement=requirement, check=check, tests=_names(tests))


def _jwt(id: str, requirement: str, *tests: str, check: f.Check | None = None) -> Row:
    return Row(standard="RFC 8725", id=id, requirement=requirement, check=check, tests=_names(tests))


def _names(tests: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_name(name) for name in tests)


def _name(name: str) -> str:
    if name.isdigit():
        return f"test_attack_{name}_"  # every test of that row of the attack list
    return f"test_attack_{name}" if name[:2].isdigit() else f"test_{name}"


ROWS: tuple[Row, ...] = (
    _asvs("V2.4.1", "Guessing by machines is slowed down", "38", check=f.window),
    _asvs("V3.3.1", "Cookies are Secure", "44", check=f.https_only),
    _asvs("V3.3.2", "Cookies are SameSite and HttpOnly, with the __Host- prefix", "44", check=f.cookies_closed),
    _asvs("V3.5.1", "Requests of other sites are refused where cookies authenticate", "43"),
    _asvs("V3.5.2", "No foreign origin may read answers", "60", check=f.no_cors),
    _asvs("V4.1.3", "Headers set by a proxy cannot be set by users", "39", "40", "41", check=f.proxies),
    _asvs("V6.1.1", "Lockout cannot be turned against the owner of an account", "38_strangers", check=f.guesses),
    _asvs("V6.1.3", "Every door that takes a password has the same controls", "38_the_console", "the_console_asks"),
    _asvs("V6.2.1", "Passwords have eight characters or more, common ones are refused", check=f.password_rules),
    _asvs("V6.2.2", "Users can change their password", "a_password_change_ends"),
    _asvs("V6.2.3", "Changing it takes the present one", "a_password_change_names"),
    _asvs("V6.2.8", "Passwords are stored by Argon2id", "an_operator_adds_a_user", check=f.password_hash),
    _asvs("V6.3.1", "Brute force, spraying and stuffing are refused", "38"),
    _asvs("V6.3.3", "There is a second factor", "a_login_needs_password_and_code", "a_code_works_once"),
    _asvs("V6.3.4", "No path authenticates differently from what is documented", "every_route_declares",
          check=f.one_authentication),
    _asvs("V6.3.5", "Operators and users hear of suspicious events", "reuse_is_told", check=f.alerts),
    _asvs("V6.3.8", "Accounts cannot be enumerated by text, code or work done", "37"),
    _asvs("V7.2.1", "Sessions are verified by the back end", "12", "32"),
    _asvs("V7.2.3", "Reference tokens have 128 bits of entropy or more", "38_guessing_refresh"),
    _asvs("V7.2.4", "Logging in again makes a new session", "45", "51_logging_in_again"),
    _asvs("V7.3.1", "Sessions end when idle", "52_idle", check=f.idle_life),
    _asvs("V7.3.2", "Sessions end absolutely", "52_daily", check=f.absolute_life),
    _asvs("V7.1.2", "Sessions per user are limited", "53", check=f.sessions),
    _asvs("V7.4.1", "Logout ends every use of its tokens at once", "logout_refuses", "20", "21"),
    _asvs("V7.4.2", "Disabling or deleting an account ends its sessions", "26"),
    _asvs("V7.4.3", "Changing a factor ends the other sessions", "27"),
    _asvs("V7.4.5", "Operators can end anybody's sessions", "attack_57_selected", "ending_a_session"),
    _asvs("V7.5.1", "Sensitive changes take a recent login", "51_a_login_too_old", check=f.step_up),
    _asvs("V7.5.2", "Users see and end their sessions", "sessions_are_listed", "48"),
    _asvs("V9.1.1", "Content is read after the signature holds", "12"),
    _asvs("V9.1.2", "Algorithms are on a list, never none", "01", "02", "03"),
    _asvs("V9.1.3", "Keys come from our own ring alone", "04", "05", "06"),
    _asvs("V9.2.1", "Times are enforced", "08", "09", "58", check=f.skew),
    _asvs("V9.2.2", "Type and purpose are checked", "11"),
    _asvs("V9.2.3", "The audience is checked", "10"),
    _asvs("V10.1.1", "Browsers need not hold refresh tokens", "cookie_mode_refreshes"),
    _asvs("V10.3.2", "Scopes decide, and every route is closed by default", "a_view_that_declares_nothing",
          check=f.closed_by_default),
    _asvs("V10.3.5", "Access tokens can be bound to a key", "49", "50", check=f.proof_age),
    _asvs("V10.4.5", "A replayed refresh token ends its session", "14", "15", "18"),
    _asvs("V10.4.9", "Users can revoke refresh tokens", "revoking_a_refresh_token"),
    _asvs("V10.4.10", "Machines authenticate themselves", "a_machine_gets", "every_refusal_of_a_machine"),
    _asvs("V10.4.11", "Clients get the scopes they need and no more", "a_machine_may_ask", "a_token_cannot_be_made",
          check=f.script_life),
    _asvs("V11.1.1", "Keys have a life cycle", "29", check=f.key_age),
    _asvs("V11.2.3", "Keys have 128 bits of strength", check=f.key_size),
    _asvs("V13.3.1", "Private keys are sealed", check=f.key_encryption),
    _asvs("V13.4.2", "Debugging is off", check=f.no_debug),
    _asvs("V16.2.5", "No secret is in logs or stores", "46"),
    _asvs("V16.3.1", "Events are recorded and kept", "an_impossible_change", check=f.evidence),
    _asvs("V16.4.1", "Nobody can forge log lines", "55"),
    _asvs("V16.5.3", "An outage refuses, it never lets through", "33", "34", "35", check=f.denylist),
    _bcp("2.2.1", "Access tokens are bound to their sender where the client can", "49", "50"),
    _bcp("2.2.2", "Refresh tokens of public clients rotate, or are bound", "16", "a_bound_token_passes",
         check=f.grace),
    _bcp("2.3", "Access tokens have few privileges and one audience", "10", "28"),
    _bcp("2.4", "There is no password grant: logging in is our own, first-party door", "59"),
    _bcp("2.5", "Clients authenticate, secrets are stored as hashes", "no_secret_of_a_machine"),
    _bcp("4.9.2", "Tokens are short-lived", "08_expired", check=f.access_life),
    _bcp("4.10.1", "A stolen bound token is worthless", "19", "a_stolen_unused_token"),
    _bcp("4.14.2", "Reuse is detected and ends the session", "14", "sessions_hold_under_any", check=f.risk_end),
    _bcp("4.17", "No foreign host name is answered", check=f.hosts),
    _jwt("3.1", "Algorithms are verified", "01", "03"),
    _jwt("3.2", "Algorithms are appropriate", "03", check=f.key_size),
    _jwt("3.5", "Keys have enough entropy and are rotated", "30", check=f.kill_delay),
    _jwt("3.7", "One canonical encoding", "13", "07"),
    _jwt("3.8", "Issuer and subject are validated", "10"),
    _jwt("3.9", "Audience is validated", "10"),
    _jwt("3.10", "kid, jku and x5u of strangers are not followed", "04", "05"),
    _jwt("3.11", "Tokens are typed", "07_wrong_typ", "11"),
    _jwt("3.12", "Different kinds of tokens have exclusive rules", "11"),
    _jwt("2.9", "Sizes are bounded", "31", check=f.body_bound),
)  # fmt: skip
