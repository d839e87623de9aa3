# SPDX-License-Identifier: ISC
"""Octets that are no text, in every word that a client may say (SECURITY T-6):
none is taken, and so none comes into a line of the log, a header field or an
entry.  Raw, and written as xtext where an argument is that (RFC 3461 4).  That no
reply and no line of the log holds a control is looked at in every dialogue.
"""

RAW = ([f"\\x{byte:02x}" for byte in range(32)] +
       # DEL; a NUL and a line feed in more octets than they have; half a
       # character, none, a surrogate, and the line end of another code (NEL)
       ["\\x7f", "\\xc0\\x80", "\\xc0\\x8a", "\\xe0\\x80\\x8a", "\\x80", "\\xff",
        "\\xed\\xa0\\x80", "\\xc2\\x85"])
# A tab is white space: RFC 3461 4.4
XTEXT = [f"+{byte:02X}" for byte in [*range(9), *range(10, 32), 0x7f]]

# name: (the way there, what is said with the octet at @, what it is answered)
WORDS = {
    "hello": ("", "EHLO cli@ent.example", "5.."),
    "hello as an address": ("", "HELO [192.0.2@.1]", "5.."),
    "sender": ("greeted", "MAIL FROM:<se@nder@@example.net>", "5.."),
    "sender in quotes": ("greeted", "MAIL FROM:<\"se@nder\"@@example.net>", "5.."),
    "sender in UTF-8": ("greeted", "MAIL FROM:<se@nder@@example.net> SMTPUTF8", "5.."),
    "domain": ("greeted", "MAIL FROM:<sender@@exam@ple.net>", "5.."),
    "domain in UTF-8": ("greeted", "MAIL FROM:<sender@@exam@ple.net> SMTPUTF8", "5.."),
    "keyword": ("greeted", "MAIL FROM:<a@@example.net> BO@DY=7BIT", "5.."),
    "body": ("greeted", "MAIL FROM:<a@@example.net> BODY=7@BIT", "5.."),
    "size": ("greeted", "MAIL FROM:<a@@example.net> SIZE=1@0", "5.."),
    "ret": ("greeted", "MAIL FROM:<a@@example.net> RET=HD@RS", "5.."),
    "envid": ("greeted", "MAIL FROM:<a@@example.net> ENVID=a@b", "5.."),
    "recipient": ("mail", "RCPT TO:<ro@ot@@example.org>", "5.."),
    "recipient in quotes": ("mail", "RCPT TO:<\"ro@ot\"@@example.org>", "5.."),
    "recipient without a domain": ("mail", "RCPT TO:<post@master>", "5.."),
    "source route": ("mail", "RCPT TO:<@@exam@ple.net:root@@example.org>", "5.."),
    "notify": ("mail", "RCPT TO:<root@@example.org> NOTIFY=NE@VER", "5.."),
    "orcpt": ("mail", "RCPT TO:<root@@example.org> ORCPT=rfc822;a@b", "5.."),
    "type of orcpt": ("mail", "RCPT TO:<root@@example.org> ORCPT=rfc@822;ab", "5.."),
    "chunk": ("rcpt", "BDAT 0@0 LAST", "5.."),
    "who is verified": ("greeted", "VRFY ro@ot", "5..|252"),
    "domain of a queue": ("greeted", "ETRN exam@ple.org", "5..|45[89]"),
    "verb": ("greeted", "MA@IL FROM:<a@@example.net>", "5.."),
    **{f"xclient {name}": ("greeted", f"XCLIENT {name}={value}", "5..") for name, value in {
        "NAME": "a@b.example", "ADDR": "192.0.2@.1", "PORT": "4@0", "PROTO": "ES@MTP",
        "HELO": "a@b.example", "LOGIN": "jo@e", "DESTADDR": "192.0.2@.1",
        "REVERSE_NAME": "a@b.example"}.items()},
}
XTEXTS = ("envid", "orcpt", "xclient NAME", "xclient HELO", "xclient LOGIN", "xclient REVERSE_NAME")


def say(text, octet):
    return text.replace("@@", "\0").replace("@", octet).replace("\0", "@")


def dialogue(word, octets):
    """One session hears all of them, and is none the worse for it.  What may
    end it (BDAT) gets one for each."""
    way, text, code = WORDS[word]
    steps = ["@conf errors 10000", "@conf xclient for 192.0.2.1"]
    steps.append(f"to {way}" if way else "S: 220 *")
    for octet in octets:
        steps += [f"C| {say(text, octet)}\\r\\n", f"S~ ({code})[ -].*"]
    return steps


def cases():
    for word in WORDS:
        if word == "chunk":
            for octet in RAW:
                yield f"{word} {octet}", "\n".join(dialogue(word, [octet]) + [
                    "S~ 421 .*", "S> eof", "spool 0"])
            continue
        yield word, "\n".join(dialogue(word, RAW) + ["C: NOOP", "S: 250 *", "spool 0"])
    for word in XTEXTS:
        yield f"{word} in xtext", "\n".join(dialogue(word, XTEXT) + [
            "C: NOOP", "S: 250 *", "spool 0"])
