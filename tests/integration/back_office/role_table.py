"""Who may do what in the back office: a page without an entry here fails the suite.

S Support, F Finance, O Operator, A Auditor, R superuser, N a member of the staff without a role. Who is no member of
the staff is sent to the log-in, from everywhere.
"""

from dataclasses import dataclass

ROLES = {"S": "Support", "F": "Finance", "O": "Operator", "A": "Auditor"}
WITH_A_ROLE = "SFOAR"
ALL = "NSFOAR"

# Which permissions each role has, by letter; the documents say what those of ours are for.
PERMISSIONS = {
    "api_keys.issue_key": "O",
    "api_keys.revoke_key": "O",
    "api_keys.view_apikey": "OA",
    "audit.add_staff_note": "SFO",
    "audit.export_rows": "FA",
    "audit.view_auditentry": "A",
    "audit.view_note": "SFOA",
    "auth.view_user": "SFOA",
    "billing.approve_adjustment": "F",
    "billing.request_adjustment": "SF",
    "billing.set_exchange_rate": "F",
    "billing.view_creditadjustment": "SFA",
    "billing.view_exchangerate": "SFA",
    "billing.view_hold": "SFA",
    "billing.view_receivable": "SFA",
    "billing.view_transaction": "SFA",
    "billing.view_wallet": "SFA",
    "idempotency.view_idempotencykey": "SFOA",
    "observability.view_heartbeat": "OA",
    "payments.approve_refund": "F",
    "payments.dismiss_break": "F",
    "payments.dismiss_event": "O",
    "payments.replay_event": "SFO",
    "payments.request_refund": "SF",
    "payments.resolve_review": "F",
    "payments.verify_payment": "SFO",
    "payments.view_dispute": "SFA",
    "payments.view_gatewaycall": "SFOA",
    "payments.view_paymentlog": "SFOA",
    "payments.view_reconciliationbreak": "SFOA",
    "payments.view_refund": "SFA",
    "payments.view_replayrun": "SFOA",
    "payments.view_replayrunevent": "SFOA",
    "payments.view_reviewdecision": "SFA",
    "payments.view_webhookattempt": "SFOA",
    "payments.view_webhookevent": "SFOA",
}

# Who sees a model's list, its rows and their history. Nobody adds, changes or deletes a row of any.
SEEN_BY = {
    "api_keys.apikey": "OAR",
    "audit.auditentry": "AR",
    "audit.note": "SFOAR",
    "auth.user": "SFOAR",
    "billing.creditadjustment": "SFAR",
    "billing.exchangerate": "SFAR",
    "billing.hold": "SFAR",
    "billing.receivable": "SFAR",
    "billing.transaction": "SFAR",
    "billing.wallet": "SFAR",
    "idempotency.idempotencykey": "SFOAR",
    "observability.heartbeat": "OAR",
    "payments.dispute": "SFAR",
    "payments.gatewaycall": "SFOAR",
    "payments.paymentlog": "SFOAR",
    "payments.reconciliationbreak": "SFOAR",
    "payments.refund": "SFAR",
    "payments.replayrun": "SFOAR",
    "payments.replayrunevent": "SFOAR",
    "payments.reviewdecision": "SFAR",
    "payments.webhookattempt": "SFOAR",
    "payments.webhookevent": "SFOAR",
}

# Who takes a model's list along as a file.
TAKEN_BY = {
    "api_keys.apikey": "AR",
    "audit.auditentry": "AR",
    "audit.note": "FAR",
    "auth.user": "FAR",
    "billing.creditadjustment": "FAR",
    "billing.exchangerate": "FAR",
    "billing.hold": "FAR",
    "billing.receivable": "FAR",
    "billing.transaction": "FAR",
    "billing.wallet": "FAR",
    "idempotency.idempotencykey": "FAR",
    "observability.heartbeat": "AR",
    "payments.dispute": "FAR",
    "payments.gatewaycall": "FAR",
    "payments.paymentlog": "FAR",
    "payments.reconciliationbreak": "FAR",
    "payments.refund": "FAR",
    "payments.replayrun": "FAR",
    "payments.replayrunevent": "FAR",
    "payments.reviewdecision": "FAR",
    "payments.webhookattempt": "FAR",
    "payments.webhookevent": "FAR",
}


@dataclass(frozen=True)
class Answers:
    """What an address answers to GET and to an empty POST: to those in `may`, to other members of the staff, to others.

    An empty form is refused with 400, or, where it has nothing to fill in, led back with 302 as one without a token.
    """

    may: str
    get: int = 200
    post: int = 400
    refused: tuple[int, int] = (403, 403)
    outsiders: tuple[int, int] = (302, 302)


ADDRESSES = {
    # The way in and out.
    "index": Answers(ALL, post=200),
    "login": Answers(ALL, get=302, post=200, outsiders=(200, 200)),
    "logout": Answers(ALL, get=405, post=200, outsiders=(405, 200)),
    "password_change": Answers(ALL, post=200),
    "password_change_done": Answers(ALL, post=405),
    "set-password": Answers(ALL, post=200, outsiders=(200, 200)),
    # Where no second factor is needed they lead on; tests of their own switch it on.
    "second-factor": Answers(ALL, get=302, post=302),
    "second-factor-enrol": Answers(ALL, get=302, post=302),
    "second-factor-mine": Answers(ALL, get=302, post=302),
    # Django's own, of which nothing of ours makes use but the words for scripts.
    "app_list": Answers(WITH_A_ROLE, post=200, refused=(404, 404)),
    "autocomplete": Answers("", refused=(403, 405)),
    "jsi18n": Answers(ALL, post=405),
    "view_on_site": Answers(ALL, get=404, post=404),
    # Cases.
    "payment-verify": Answers("SFOR", post=302),
    "payment-note": Answers("SFOR"),
    "review-credit": Answers("FR"),
    "review-dismiss": Answers("FR"),
    "refund-request": Answers("SFR"),
    "refund-approve": Answers("FR", post=302),
    "refund-reject": Answers("FR"),
    "refund-look": Answers("SFR", post=302),
    # Of one that was never sent nobody makes a row by itself: the page leads back, and says that it makes no sense.
    "refund-end-unsent": Answers("FR", get=302),
    "customer-note": Answers("SFOR"),
    # To do.
    "approvals": Answers("FR", post=405, refused=(403, 405)),
    "webhook-replay": Answers("SFOR"),
    # What is shown is fixed first, by an address that says until when.
    "webhook-replay-many": Answers("SFOR", get=302, post=302, refused=(302, 403)),
    "webhook-replay-stop": Answers("SFOR", post=302),
    "webhook-dismiss": Answers("OR"),
    "break-take": Answers("FR", post=302),
    "break-hand-back": Answers("FR", post=302),
    "break-dismiss": Answers("FR"),
    # Credits.
    "wallet-adjust": Answers("SFR"),
    "customer-adjust": Answers("SFR"),
    "adjustment-approve": Answers("FR", post=302),
    "adjustment-reject": Answers("FR"),
    "exchange-rate-set": Answers("FR"),
    # Keys and staff.
    "api-key-issue": Answers("OR"),
    "api-key-revoke": Answers("OR"),
    "staff-add": Answers("R"),
    "staff-change-role": Answers("R"),
    "staff-deactivate": Answers("R"),
    "staff-reactivate": Answers("R"),
    "staff-reset-password": Answers("R"),
    "staff-reset-second-factor": Answers("R"),
}


def permissions_of(letter: str) -> set[str]:
    """Return the permissions of a role."""
    return {permission for permission, letters in PERMISSIONS.items() if letter in letters}
