"""A small client of an Entente gateway; docs/clients/python.md walks through it.

Needs the modules that grpc_tools.protoc generates from proto/entente/v1.
"""

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from entente.v1 import feed_pb2, feed_pb2_grpc, submission_pb2, submission_pb2_grpc

# Worth another attempt; everything else is not, or only when the gateway says when.
TRANSIENT = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED}


def connect(address, certificate, key, authority, server_name=None):
    """A channel over mutual TLS. The three files are PEM."""

    def read(path):
        with open(path, "rb") as file:
            return file.read()

    credentials = grpc.ssl_channel_credentials(
        root_certificates=read(authority),
        private_key=read(key),
        certificate_chain=read(certificate),
    )
    options = []
    if server_name:
        options.append(("grpc.ssl_target_name_override", server_name))
    return grpc.secure_channel(address, credentials, options)


class Gateway:
    """What a national system does with a gateway."""

    def __init__(self, channel):
        self.submission = submission_pb2_grpc.SubmissionServiceStub(channel)
        self.feed = feed_pb2_grpc.FeedServiceStub(channel)

    def who_am_i(self):
        """What the gateway sees of the caller."""
        return self.submission.WhoAmI(submission_pb2.WhoAmIRequest(), timeout=10)

    def submit(self, report, validate_only=False):
        """Submits one report; gives its outcome. A refusal is an outcome, not an exception."""
        request = submission_pb2.SubmitRequest(report=report, validate_only=validate_only)
        return self.submission.Submit(request, timeout=30).outcome

    def submit_all(self, reports):
        """Submits serialised reports over one stream; yields outcomes in their order."""
        requests = (submission_pb2.SubmitStreamRequest(report=report) for report in reports)
        for answer in self.submission.SubmitStream(requests):
            yield from answer.outcomes

    def tail(self, from_position=1, until_now=False):
        """Yields the entries of the feed; goes on at its place after a broken connection."""
        position = from_position
        while True:
            request = feed_pb2.SubscribeRequest(from_position=position, until_now=until_now)
            try:
                for answer in self.feed.Subscribe(request):
                    # Without entries it is a heartbeat.
                    yield from answer.entries
                    position = answer.next_position
                if until_now:
                    return
            except grpc.RpcError as error:
                if error.code() not in TRANSIENT:
                    raise


def details(error):
    """The details of a gRPC error, by their type's name: ErrorInfo, BadRequest, RetryInfo."""
    status = rpc_status.from_call(error)
    found = {}
    for packed in status.details if status else ():
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.RetryInfo,
        ):
            if packed.Is(kind.DESCRIPTOR):
                unpacked = kind()
                packed.Unpack(unpacked)
                found[kind.DESCRIPTOR.name] = unpacked
    return found
