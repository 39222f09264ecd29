"""A foreign client against the real gateway: python test_client.py PATH-TO-ENTENTE.

Makes certificates and a data folder of its own, lets the system choose the port, and leaves
nothing behind.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import grpc
from google.protobuf import json_format

from entente.v1 import feed_pb2, record_pb2, report_pb2, submission_pb2
from entente_client import Gateway, connect, details

ROOT = pathlib.Path(__file__).resolve().parents[3]
ENTENTE = None

REPORT = {
    "reportId": "GBR-PY-1",
    "revision": 1,
    "action": "ACTION_NEW",
    "environment": "ENVIRONMENT_LIVE",
    "sighting": {
        "origin": "ORIGIN_OWN_OBSERVATION",
        "observedFrom": {"text": "061830ZJAN26"},
        "means": [{"text": "heard"}],
        "location": {"text": "37UDP1072918760", "referenceSystem": "MGRS"},
        "observations": [
            {
                "type": {"text": "explosion"},
                "count": {"text": "about 5"},
                "countBasis": "COUNT_BASIS_INDIVIDUAL",
                "phase": {"text": "outgoing"},
                "weapon": {"text": "MLRS (BM-21 Grad, 122mm)"},
            }
        ],
        "confidence": {"sourceReliability": "B", "credibility": "2"},
    },
    "marking": {"text": "OFFICIAL-SENSITIVE", "releasableTo": ["USA", "GBR", "UKR"]},
}


def report(report_id, **changes):
    return json_format.ParseDict(REPORT | {"reportId": report_id} | changes, report_pb2.Report())


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = pathlib.Path(tempfile.mkdtemp(prefix="entente-python-"))
        cls.addClassCleanup(shutil.rmtree, cls.site, ignore_errors=True)
        shutil.copytree(ROOT / "config", cls.site / "config")
        config = cls.site / "config" / "gateway.toml"
        text = config.read_text()
        for shipped in ("127.0.0.1:7443", "127.0.0.1:9464"):
            assert shipped in text
            text = text.replace(shipped, "127.0.0.1:0")
        config.write_text(text)
        certs = [ENTENTE, "certs", "init", "--dir", cls.site / "certs-dev"]
        subprocess.run(certs, check=True, stdout=subprocess.DEVNULL)
        with open(cls.site / "gateway.log", "wb") as log:
            cls.process = subprocess.Popen(
                [ENTENTE, "serve", "--config", config, "--output", "json"],
                stdout=subprocess.PIPE,
                stderr=log,
            )
        cls.addClassCleanup(cls.stop)
        line = cls.process.stdout.readline()
        if not line:
            raise RuntimeError((cls.site / "gateway.log").read_text())
        cls.address = json.loads(line)["address"]

    @classmethod
    def stop(cls):
        cls.process.terminate()
        cls.process.wait(timeout=60)
        cls.process.stdout.close()

    def gateway(self, system):
        certs = self.site / "certs-dev"
        channel = connect(
            self.address,
            certs / f"{system}.pem",
            certs / f"{system}.key",
            certs / "gateway" / "authority.pem",
            server_name="localhost",
        )
        self.addCleanup(channel.close)
        return Gateway(channel)

    def test_the_gateway_knows_its_caller(self):
        seen = self.gateway("GBR/uav-cell-4").who_am_i()
        self.assertEqual((seen.nation, seen.system), ("GBR", "uav-cell-4"))
        self.assertEqual(list(seen.rights), ["submit"])

    def test_a_unary_report_is_receipted_once(self):
        gateway = self.gateway("GBR/uav-cell-4")
        one = report("GBR-PY-UNARY")
        first = gateway.submit(one)
        self.assertEqual(first.disposition, submission_pb2.DISPOSITION_ACCEPTED)
        self.assertGreater(first.receipt.position, 0)
        digest = hashlib.sha256(one.SerializeToString()).digest()
        self.assertEqual(first.receipt.report_sha256, digest)
        again = gateway.submit(one)
        self.assertEqual(again.disposition, submission_pb2.DISPOSITION_DUPLICATE)
        self.assertEqual(again.receipt, first.receipt)

    def test_a_refusal_names_every_field_and_what_was_expected(self):
        wrong = report("GBR-PY-WRONG", marking={"text": "VERY SECRET"})
        wrong.sighting.location.text = "31UDQ4825111932"
        outcome = self.gateway("GBR/uav-cell-4").submit(wrong)
        self.assertEqual(outcome.disposition, submission_pb2.DISPOSITION_REJECTED)
        reasons = {violation.field: violation for violation in outcome.violations}
        self.assertEqual(set(reasons), {"marking.text", "sighting.location"})
        for violation in reasons.values():
            self.assertTrue(violation.rule and violation.message and violation.expected)

    def test_a_bad_report_does_not_end_a_stream(self):
        sent = [
            report("GBR-PY-S1").SerializeToString(),
            b"\xff\xff\xff\xff",
            report("GBR-PY-S2").SerializeToString(),
        ]
        outcomes = list(self.gateway("GBR/uav-cell-4").submit_all(sent))
        self.assertEqual([outcome.ordinal for outcome in outcomes], [1, 2, 3])
        self.assertEqual(
            [outcome.disposition for outcome in outcomes],
            [
                submission_pb2.DISPOSITION_ACCEPTED,
                submission_pb2.DISPOSITION_REJECTED,
                submission_pb2.DISPOSITION_ACCEPTED,
            ],
        )
        self.assertEqual(outcomes[1].violations[0].rule, "wire.unparsable")

    def test_an_error_carries_its_details(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.gateway("USA/feed-desk").submit(report("GBR-PY-RIGHT"))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        info = details(caught.exception)["ErrorInfo"]
        self.assertEqual((info.reason, info.domain), ("RIGHT_MISSING", "entente"))

    def test_the_feed_gives_what_was_receipted_then_goes_on_live(self):
        sender, reader = self.gateway("GBR/uav-cell-4"), self.gateway("USA/feed-desk")
        stored = sender.submit(report("GBR-PY-FEED")).receipt.position
        entries = {entry.position: entry for entry in reader.tail(until_now=True)}
        record = entries[stored].record
        self.assertEqual(record.report_id, "GBR-PY-FEED")
        self.assertAlmostEqual(record.sighting.location.latitude_deg, 48.0159, places=3)
        self.assertEqual(
            record.sighting.observations[0].weapon.weapon_class, record_pb2.WEAPON_CLASS_MLRS
        )
        live = reader.tail(from_position=stored + 1)
        later = sender.submit(report("GBR-PY-LIVE")).receipt.position
        for entry in live:
            self.assertGreater(entry.position, stored)
            if entry.position == later:
                self.assertEqual(entry.record.report_id, "GBR-PY-LIVE")
                break

    def test_a_filter_is_heeded(self):
        self.gateway("GBR/uav-cell-4").submit(report("GBR-PY-FILTER"))
        wanted = feed_pb2.FeedFilter(nations=["FRA"])
        request = feed_pb2.SubscribeRequest(until_now=True, filter=wanted)
        answers = self.gateway("USA/feed-desk").feed.Subscribe(request, timeout=30)
        self.assertEqual([entry for answer in answers for entry in answer.entries], [])

    def test_without_a_certificate_there_is_no_connection(self):
        authority = (self.site / "certs-dev" / "gateway" / "authority.pem").read_bytes()
        credentials = grpc.ssl_channel_credentials(root_certificates=authority)
        options = [("grpc.ssl_target_name_override", "localhost")]
        with grpc.secure_channel(self.address, credentials, options) as channel:
            with self.assertRaises(grpc.RpcError) as caught:
                Gateway(channel).who_am_i()
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)


if __name__ == "__main__":
    ENTENTE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
