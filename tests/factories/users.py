"""Users for tests."""

import factory
from django.contrib.auth.models import Permission, User
from factory.django import DjangoModelFactory


class UserFactory(DjangoModelFactory[User]):
    """A customer with an e-mail address and without a password, as API clients are."""

    class Meta:
        model = User

    username = factory.Sequence(lambda number: f"customer-{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")


class StaffFactory(UserFactory):
    """A member of staff who may do everything."""

    username = factory.Sequence(lambda number: f"staff-{number}")
    is_staff = True
    is_superuser = True


class ServiceAccountFactory(UserFactory):
    """An account of the platform's own software, which may debit the wallets of users."""

    class Meta:
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"service-{number}")

    @factory.post_generation
    def permission(self, create, codename, **_):
        if create:
            self.user_permissions.add(Permission.objects.get(codename=codename or "debit_wallet"))
