"""How people ended reviews."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from namaskah.identifiers import new_id
from payments.lifecycles import ReviewOutcome, ReviewReason
from payments.models.payment import PaymentLog


class ReviewDecision(models.Model):
    """One decision about a payment under review; rows never change."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(PaymentLog, on_delete=models.PROTECT, related_name="review_decisions")
    review_reason = models.CharField(max_length=40, choices=ReviewReason.choices)
    outcome = models.CharField(max_length=20, choices=ReviewOutcome.choices)
    # Why, in the words of whoever decided.
    note = models.CharField(max_length=300)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "review_decisions"
        permissions = [("resolve_review", "Can credit or dismiss a payment under review")]
        constraints = [
            models.CheckConstraint(
                name="payments_review_reason_known", condition=Q(review_reason__in=ReviewReason.values)
            ),
            models.CheckConstraint(name="payments_review_outcome_known", condition=Q(outcome__in=ReviewOutcome.values)),
            models.CheckConstraint(name="payments_review_says_why", condition=~Q(note="")),
        ]

    def __str__(self) -> str:
        return f"{self.review_reason} {self.outcome}"
