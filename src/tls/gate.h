/* SPDX-License-Identifier: ISC */
#ifndef TLS_GATE_H
#define TLS_GATE_H

#include "base/str.h"
#include "tls/scheme.h"

/*
 * Is this the text that a server signs in a handshake: that of a
 * CertificateVerify (RFC 8446 4.4.3), or the parameters of a ServerKeyExchange
 * with one of our groups (RFC 8422 5.4)?  And is it signed so there?  old: is
 * TLS before 1.2 spoken at all?
 */
bool	gate_may_sign(const struct scheme *, bool old, struct str text);

#endif
