"""What no text of a request may hold, whatever the method."""

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from prerequis_collector.errors import InvalidInput


def check_texts(message: Message) -> None:
    """Return when no text has a null character, which PostgreSQL cannot keep; raises InvalidInput.

    Of the other characters Protocol Buffers has seen to it that they are Unicode.
    """
    for field, value in message.ListFields():
        several = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_STRING and any("\0" in text for text in several):
            raise InvalidInput("Un texte de la demande contient un caractère nul : l'ôter.")
        for inner in several if field.type == FieldDescriptor.TYPE_MESSAGE else ():
            check_texts(inner)
