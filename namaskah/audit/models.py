"""The audit log, notes and form tokens."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from namaskah.identifiers import new_id


class Outcome(models.TextChoices):
    """Whether what was asked for happened."""

    DONE = "done"
    REFUSED = "refused"


class AuditEntry(models.Model):
    """One thing that a member of staff did, or tried to do; rows never change."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Nobody is known to have done what failed before they were.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    action = models.CharField(max_length=60)
    # What it was about, as people call it: a payment's reference, a username.
    subject = models.CharField(max_length=150)
    # What the subject is a part of, if anything, so that whoever looks for that finds it: a refund's payment.
    part_of = models.CharField(max_length=150, blank=True, default="", db_default="")
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.DONE)
    reason = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    address = models.CharField(max_length=50, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "audit_log"
        verbose_name_plural = "audit entries"
        permissions = [("export_rows", "Can export lists to files"), ("add_staff_note", "Can write notes")]
        constraints = [
            models.CheckConstraint(name="audit_auditentry_outcome_known", condition=Q(outcome__in=Outcome.values)),
            models.CheckConstraint(name="audit_auditentry_says_what", condition=~Q(action="") & ~Q(subject="")),
        ]
        indexes = [
            models.Index(name="audit_auditentry_of_subject", fields=["subject", "created_at"]),
            models.Index(name="audit_auditentry_of_whole", fields=["part_of", "created_at"], condition=~Q(part_of="")),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject} ({self.outcome})"


class Note(models.Model):
    """What one member of staff tells the others about a payment or a customer; rows never change."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # A payment's reference, or `user:` and the customer's number.
    subject = models.CharField(max_length=100)
    text = models.CharField(max_length=2000)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "notes"
        constraints = [models.CheckConstraint(name="audit_note_says_something", condition=~Q(text="") & ~Q(subject=""))]
        indexes = [
            models.Index(name="audit_note_of_subject", fields=["subject", "created_at"]),
            models.Index(name="audit_note_newest", fields=["-created_at", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.text[:40]}"


class FormToken(models.Model):
    """Given out with a form and used once: the key under which what the form asks for is done."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # The form and what it is about, so that a token of one form is none for another.
    purpose = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "form_tokens"
        indexes = [models.Index(name="audit_formtoken_age", fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.purpose} ({'used' if self.used_at else 'unused'})"
