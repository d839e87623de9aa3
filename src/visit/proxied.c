/* SPDX-License-Identifier: ISC */
/*
 * A client behind a proxy (smtp/proxy): smtpd/serve has its header read here,
 * before the greeting, on listeners that say `proxy from'.  Who may say such
 * things the master has looked at, before it forked.
 *
 * A proxy has its header ready when it connects, so it gets little time for
 * it, and no word from us if it is none.  Of a client whose address it does
 * not tell we know nothing: it is nobody's, and by no means that of the proxy,
 * who may be on this machine, or among those for whom we relay.
 *
 * Now that the client is known, the master, which saw the proxy alone, is asked
 * whether that one has had too much (priv/usher); and so it is for whom XCLIENT
 * names (smtpd/xclient).
 */
#include "visit/proxied.h"

#include "base/text.h"
#include "os/log.h"
#include "os/signal.h"
#include "priv/usher.h"
#include "smtp/proxy.h"

enum {
	HEADER_WAIT = 10,	/* seconds for all of it */
};

static bool
refuse(struct session *s, const char *what)
{
	log_warning("%s before the PROXY header from %s", what, s->client);
	s->ended = true;
	return false;
}

/* What is behind the header is the client's, and may be TLS: then it is for
 * those to read who know that. */
static enum stream_result
fill(struct session *s, const struct proxy *p)
{
	size_t most = STREAM_IN_SIZE;
	enum stream_result r;

	if (s->peer->service == SERVICE_SUBMISSIONS)
		most = p->size - stream_pending(&s->stream);
	do
		r = stream_fill_most(&s->stream, most);
	while (r == STREAM_SIGNAL && !signal_is_pending(SIGTERM));
	return r;
}

/* The one header, and the bytes behind it left where they are. */
static bool
read_header(struct session *s, struct proxy *p)
{
	enum proxy_result r;

	while ((r = proxy_parse(stream_peek(&s->stream), p)) == PROXY_MORE)
		switch (fill(s, p)) {
		case STREAM_OK:
			break;
		case STREAM_TIMEOUT:
			return refuse(s, "timeout");
		case STREAM_END:
		case STREAM_BROKEN:
		case STREAM_SIGNAL:
		case STREAM_TOO_LONG:
		case STREAM_BARE:
			return refuse(s, "lost connection");
		}
	if (r == PROXY_BAD)
		return refuse(s, "something else");
	stream_skip(&s->stream, p->size);
	return true;
}

/* The master logs whom it sends away.  In clear, to who waits for TLS, the
 * reply would be noise. */
bool
proxied_is_welcome(struct session *s)
{
	char answer[USHER_ANSWER_MAX];

	if (s->smtpd->usher < 0 || s->peer->addr.ip.family == 0)
		return true;
	if (!usher_ask(s->smtpd->usher, &s->peer->addr.ip, answer))
		text_print(answer, sizeof(answer), "421 4.3.2 Too busy to let "
		    "you in; try again later\r\n");
	if (answer[0] == '2')
		return true;
	if (s->peer->service != SERVICE_SUBMISSIONS || s->secure)
		buf_putz(&s->stream.out, answer);
	s->ended = true;
	return false;
}

bool
proxied_begin(struct session *s)
{
	struct proxy p;

	stream_set_deadline(&s->stream, HEADER_WAIT);
	stream_set_timeout(&s->stream, HEADER_WAIT);
	if (!read_header(s, &p))
		return false;
	s->preface = p.size;
	session_report_client(s, &p.client);
	return proxied_is_welcome(s);
}
