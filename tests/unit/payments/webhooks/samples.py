"""Paystack's documented events, byte for byte, with their signatures under the development key."""

from pathlib import Path

DIRECTORY = Path(__file__).parent / "samples"
SIGNATURES = {
    "charge.dispute.create": (
        "6c8bd604e00daa9b541e3653e3c800b86115d32b177b508c4117c6145149431c"
        "c65008b19a3c380aed51b91c33b5aae4a3cb70a36d4857a0cd494c8bb4dab4b8"
    ),
    "charge.dispute.remind": (
        "51c0857b10cec9e108a48572a0739358d54a6e3049fe89f87f45ecc6ea64e589"
        "848cab3869b84b5005a07269f76bf1f43e06217160a256e3b0ff10bb82425bd2"
    ),
    "charge.dispute.resolve": (
        "481d415ed1f2cb8a5ff56b79d51fe7701e55511d6fad9a323f3846c84cc8cf76"
        "9da8d9a029fd67cb826c93cc129ba84f62edce5138af59dc1e903647a170a4c1"
    ),
    "charge.success": (
        "0e1dc9d21804504ff37f7075b63b5acf35b5a91140154ebbdcb00254c4d7d8d9"
        "e7ba213286233d94258c98b8932864687d0650ab6bf145d61c00c93022dbedb3"
    ),
    "refund.failed": (
        "c71e2db45d1200639bd3ff60748af468504a703c2dfc6ca93270f476ae2de8f1"
        "ea62787f58000468a8e239dc7943aa2e25f5cdce83e29a9b60e3b7b49a1acbab"
    ),
    "refund.needs-attention": (
        "64e96c03b7dc3fcf4c9326c27a2d64393cffbb942d761716ca180a8f25f86118"
        "d7a59304dacfdb8a9c2c88da60514310190e6528000e49ff2a6124117774e06e"
    ),
    "refund.pending": (
        "b76cfacbabdf4fcbb8ece964fb5a1c3ba2fede80ca6fba8386fe1cf7d7c8c120"
        "75cdd763232b931da1aea5cb428dda65ed9eb36d8ea72ee99f2449fe1e3593c9"
    ),
    "refund.processed": (
        "3096e7aac152bba1425436046cf2560240547bd3dc6f8b90c6b593c62971c83f"
        "3ce5c39f2fe04b11411ac461be80b2063ba356f8bb4e7f46acf3c42dafac9d97"
    ),
    "refund.processing": (
        "af8256663d8af0e5cc4e630bd0e2c81f4da462c3e5f284f3b5a35e1c826b2e0f"
        "048af617fb3962e6cd799562b2d5fcc61720535474e9abd44d243298e8a07b0f"
    ),
    "transfer.failed": (
        "94f8df00851cbb77a7ca02d3bff61b7468f06f837c5030c51a9978d71fd8aa3f"
        "0d764c63def07ee281360ba8618c65b36568b266547aee57956c2bf35da8bef8"
    ),
    "transfer.reversed": (
        "d43391ea34236f26a4926770f197a026b4042518a28314d8ae9dcec34f596a22"
        "b88e0e29904f2de54217148adafd2aa24e1fc0820423379fb5e405578544e652"
    ),
    "transfer.success": (
        "2c361d774004c7e756a11f9862f8a9b3dba11c077c4ef6f98d0605c70fde363f"
        "b8a8ca6677a862c9b612c98c899d3fe591a5219cd2568c11c616449b1130916e"
    ),
}


def load(name: str) -> bytes:
    return (DIRECTORY / f"{name}.json").read_bytes()
