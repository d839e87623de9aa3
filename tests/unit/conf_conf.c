/* SPDX-License-Identifier: ISC */
/*
 * The whole configuration: the safe system of an absent file, what each
 * sentence means, every error with its place, and that what conf_describe()
 * shows is a configuration that means the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ip.h"
#include "conf/conf.h"
#include "master/listen.h"

/* Tests do not ask for the name of this machine. */
#define HOST	"hostname mx.example\n"

static struct conf *
parse(const char *text)
{
	struct buf errors;
	struct conf *conf;

	buf_init(&errors);
	conf = conf_parse("/etc/x/f.conf", str_of(text), &errors);
	if (conf == NULL)
		fail_msg("%s", buf_cstr(&errors));
	assert_int_equal(errors.n, 0);
	buf_free(&errors);
	return conf;
}

static void
assert_str(struct str got, const char *expected)
{
	if (!str_eq(got, str_of(expected)))
		fail_msg("\"%.*s\", expected \"%s\"", STR_ARG(got), expected);
}

static void
assert_listen(const struct conf *conf, size_t i, enum conf_service service,
    const char *ip, unsigned port)
{
	char text[IP_TEXT_MAX];

	assert_true(i < conf->listens.n);
	assert_int_equal(conf->listens.p[i].service, service);
	assert_string_equal(ip_format(&conf->listens.p[i].ip, text), ip);
	assert_int_equal(conf->listens.p[i].port, port);
}

static void
test_safe_system(void **state)
{
	struct conf *conf = parse(HOST);

	(void)state;
	assert_str(conf->hostname, "mx.example");
	assert_int_equal(conf->listens.n, 2);
	assert_listen(conf, 0, SERVICE_SMTP, "127.0.0.1", 25);
	assert_listen(conf, 1, SERVICE_SMTP, "::1", 25);
	assert_int_equal(conf->relay.n, 0);
	assert_int_equal(conf->routes.n, 0);
	assert_int_equal(conf->deliver.method, DELIVER_MBOX);
	assert_str(conf->deliver.path, "/var/mail");
	assert_str(conf->aliases, "/etc/aliases");
	assert_str(conf->delimiter, "+");
	assert_str(conf->users.session, "godwit");
	assert_str(conf->users.queue, "godwitq");
	assert_str(conf->users.drop_group, "godwitdrop");
	assert_str(conf->users.mail, "mail");
	assert_str(conf->log, "syslog");
	assert_int_equal(conf->size, 50 << 20);
	assert_int_equal(conf->recipients, 1000);
	assert_int_equal(conf->hops, 100);
	assert_int_equal(conf->timeout.command, 300);
	assert_int_equal(conf->retry.most, 4 * 3600);
	assert_true(conf_is_local_domain(conf, STR("mx.example")));
	assert_true(conf_is_local_domain(conf, STR("LocalHost")));
	assert_false(conf_is_local_domain(conf, STR("example")));
	assert_false(conf_is_local_domain(conf, STR("")));
	conf_free(conf);
}

/* The machine's own name: whatever it is, it is a local domain. */
static void
test_hostname_of_machine(void **state)
{
	struct buf errors;
	struct conf *conf;

	(void)state;
	buf_init(&errors);
	conf = conf_load("", true, &errors);
	if (conf == NULL) {
		assert_true(str_starts(buf_str(&errors), STR("configuration: "
		    "hostname is not set, and the system's name ")));
	} else {
		assert_true(conf->hostname.n > 0);
		assert_true(conf_is_local_domain(conf, conf->hostname));
		assert_str(conf->path, "");
	}
	conf_free(conf);
	buf_free(&errors);
}

static void
test_listen(void **state)
{
	struct conf *conf = parse(HOST
	    "listen smtp\n"
	    "listen submission\n"
	    "listen smtp on 127.0.0.1:2525\n"
	    "listen smtp on [::1]:2526\n"
	    "listen smtp on :2527\n"
	    "listen submission on 2528\n");

	(void)state;
	assert_int_equal(conf->listens.n, 10);
	assert_listen(conf, 0, SERVICE_SMTP, "0.0.0.0", 25);
	assert_listen(conf, 1, SERVICE_SMTP, "::", 25);
	assert_listen(conf, 2, SERVICE_SUBMISSION, "0.0.0.0", 587);
	assert_listen(conf, 3, SERVICE_SUBMISSION, "::", 587);
	assert_listen(conf, 4, SERVICE_SMTP, "127.0.0.1", 2525);
	assert_listen(conf, 5, SERVICE_SMTP, "::1", 2526);
	assert_listen(conf, 6, SERVICE_SMTP, "0.0.0.0", 2527);
	assert_listen(conf, 7, SERVICE_SMTP, "::", 2527);
	assert_listen(conf, 8, SERVICE_SUBMISSION, "0.0.0.0", 2528);
	assert_listen(conf, 9, SERVICE_SUBMISSION, "::", 2528);
	assert_int_equal(conf->listens.p[9].line, 7);
	conf_free(conf);
	conf = parse(HOST "listen smtp on 127.0.0.1\nlisten smtp on ::1\n"
	    "listen submission on [2001:db8::1]\n");
	assert_int_equal(conf->listens.n, 3);
	assert_listen(conf, 0, SERVICE_SMTP, "127.0.0.1", 25);
	assert_listen(conf, 1, SERVICE_SMTP, "::1", 25);
	assert_listen(conf, 2, SERVICE_SUBMISSION, "2001:db8::1", 587);
	conf_free(conf);
	conf = parse(HOST "listen none\n");
	assert_int_equal(conf->listens.n, 0);
	conf_free(conf);
}

/* As many as the configuration allows the master can listen on. */
static void
test_many_listens(void **state)
{
	struct buf text = { 0 }, errors = { 0 };
	struct conf *conf;

	(void)state;
	buf_putz(&text, HOST);
	for (int i = 0; i < CONF_LISTENS_MAX / 2; i++)
		buf_printf(&text, "listen smtp on %d\n", 2000 + i);
	conf = parse(buf_cstr(&text));
	assert_int_equal(conf->listens.n, CONF_LISTENS_MAX);
	assert_true(conf->listens.n < LISTEN_MAX);
	conf_free(conf);
	buf_putz(&text, "listen smtp on 127.0.0.1:3000\n");
	assert_null(conf_parse("f.conf", buf_str(&text), &errors));
	assert_non_null(strstr(buf_cstr(&errors), "at most 64 addresses"));
	buf_free(&errors);
	buf_free(&text);
}

static void
test_domains(void **state)
{
	struct conf *conf = parse(HOST "domain Example.ORG b.example local\n"
	    "domain b\xc3\xbc" "cher.example mx.example local\n");

	(void)state;
	assert_int_equal(conf->domains.n, 5);
	assert_true(conf_is_local_domain(conf, STR("example.org")));
	assert_true(conf_is_local_domain(conf, STR("EXAMPLE.org")));
	assert_true(conf_is_local_domain(conf, STR("b.example")));
	assert_true(conf_is_local_domain(conf, STR("localhost")));
	assert_true(conf_is_local_domain(conf, STR("mx.example")));
	assert_true(conf_is_local_domain(conf, STR("xn--bcher-kva.example")));
	assert_true(conf_is_local_domain(conf,
	    STR("b\xc3\xbc" "cher.example")));
	assert_true(conf_is_local_domain(conf,
	    STR("B\xc3\x9c" "cher.example")));
	assert_false(conf_is_local_domain(conf, STR("a.example.org")));
	assert_false(conf_is_local_domain(conf, STR("\xff.example")));
	conf_free(conf);
}

static void
test_deliver(void **state)
{
	struct conf *conf;

	(void)state;
	conf = parse(HOST "deliver mbox /srv/mail/\n");
	assert_int_equal(conf->deliver.method, DELIVER_MBOX);
	assert_str(conf->deliver.path, "/srv/mail");
	conf_free(conf);
	conf = parse(HOST "deliver maildir\n");
	assert_int_equal(conf->deliver.method, DELIVER_MAILDIR);
	assert_str(conf->deliver.path, "~/Maildir");
	conf_free(conf);
	conf = parse(HOST "deliver maildir /srv/%u/Mail\n");
	assert_str(conf->deliver.path, "/srv/%u/Mail");
	conf_free(conf);
	conf = parse(HOST
	    "deliver command \"/bin/x  -a '%e b' -f\\\"%s \\\"%% ''\"\n");
	assert_int_equal(conf->deliver.method, DELIVER_COMMAND);
	assert_int_equal(conf->deliver.argv.n, 5);
	assert_str(conf->deliver.argv.p[0], "/bin/x");
	assert_str(conf->deliver.argv.p[1], "-a");
	assert_str(conf->deliver.argv.p[2], "%e b");
	assert_str(conf->deliver.argv.p[3], "-f%s %%");
	assert_str(conf->deliver.argv.p[4], "");
	assert_str(conf->deliver.path, "/bin/x  -a '%e b' -f\"%s \"%% ''");
	conf_free(conf);
	conf = parse(HOST "deliver command /bin/x\n");
	assert_int_equal(conf->deliver.argv.n, 1);
	conf_free(conf);
}

/* A name that is repeated counts once: these two are for the same names. */
static void
test_certificates(void **state)
{
	struct conf *conf = parse(HOST
	    "tls certificate /rsa.pem for a.example *.B.example A.example "
	    "*.b.example\n"
	    "tls certificate /ec.pem for *.b.example a.example\n");
	const struct conf_certificate *c = conf->tls.certificates.p;

	(void)state;
	assert_int_equal(conf->tls.certificates.n, 2);
	assert_int_equal(c[0].names.n, 2);
	assert_str(c[0].names.p[0], "a.example");
	assert_str(c[0].names.p[1], "*.b.example");
	assert_int_equal(c[1].names.n, 2);
	conf_free(conf);
}

/* Whom to believe: no more than who is named. */
static void
test_proxies(void **state)
{
	struct conf *conf = parse(HOST
	    "listen smtp proxy from 192.0.2.0/24 2001:db8::1\n"
	    "listen submission on 127.0.0.1:2587 proxy from 127.0.0.1\n"
	    "listen smtp on 2525\n"
	    "xclient for 192.0.2.0/24\nxclient for 2001:db8::1\n");
	const struct conf_listen *l = conf->listens.p;
	const struct conf_networks *x = &conf->session.xclient;

	(void)state;
	assert_int_equal(conf->listens.n, 5);
	assert_int_equal(l[0].port, 25);
	assert_int_equal(l[0].proxies.nets.n, 2);
	assert_int_equal(l[0].proxies.nets.p[1].bits, 128);
	assert_int_equal(l[1].proxies.nets.n, 2);
	assert_int_equal(l[2].port, 2587);
	assert_int_equal(l[2].proxies.nets.n, 1);
	assert_int_equal(l[3].proxies.nets.n, 0);
	assert_int_equal(x->nets.n, 2);
	assert_int_equal(x->nets.p[0].bits, 24);
	assert_int_equal(x->lines.p[1], 6);
	assert_int_equal(conf->relay.n, 0);
	conf_free(conf);
}

static void
test_relay(void **state)
{
	struct conf *conf = parse(HOST
	    "relay for 192.0.2.0/24 198.51.100.7\nrelay for 2001:db8::/32\n");
	struct ip ip;

	(void)state;
	assert_int_equal(conf->relay.n, 3);
	assert_int_equal(conf->relay.p[1].bits, 32);
	assert_true(ip_parse(STR("192.0.2.99"), &ip));
	assert_true(ipnet_has(&conf->relay.p[0], &ip));
	assert_false(ipnet_has(&conf->relay.p[1], &ip));
	assert_true(ip_parse(STR("2001:db8::5"), &ip));
	assert_true(ipnet_has(&conf->relay.p[2], &ip));
	conf_free(conf);
}

static const struct {
	const char *text, *pattern, *host;
	unsigned port;
	bool mx;
} routes[] = {
	{ "* via smtp.isp.example", "*", "smtp.isp.example", 25, true },
	{ "* via SMTP.isp.example:587", "*", "smtp.isp.example", 587, false },
	{ "* via [smtp.isp.example]", "*", "smtp.isp.example", 25, false },
	{ "*.Example.org via [a.example]:26", "*.example.org", "a.example", 26,
	    false },
	{ "example.org via 192.0.2.1", "example.org", "192.0.2.1", 25, false },
	{ "example.org via 192.0.2.1:2525", "example.org", "192.0.2.1", 2525,
	    false },
	{ "example.org via [192.0.2.1]:2525", "example.org", "192.0.2.1", 2525,
	    false },
	{ "example.org via [2001:DB8::1]", "example.org", "2001:db8::1", 25,
	    false },
	{ "example.org via [IPv6:2001:db8::1]:26", "example.org",
	    "2001:db8::1", 26, false },
	{ "example.org via 2001:db8::1", "example.org", "2001:db8::1", 25,
	    false },
	{ "b\xc3\xbc" "cher.example via localhost", "xn--bcher-kva.example",
	    "localhost", 25, true },
};

static void
test_dns_lists(void **state)
{
	const struct conf_dnslist *row;
	struct buf out = { 0 };
	struct conf *conf;

	(void)state;
	conf = parse("hostname a.test\n"
	    "dnsbl ZEN.test weight 3 when 127.0.0.2-11 127.0.0.20\n"
	    "dnswl wl.test weight 0\n"
	    "dnsbl key.zen.test as \"the list\"\n");
	row = conf->guest.lists.p;
	assert_int_equal(conf->guest.lists.n, 3);
	assert_str(row[0].zone, "zen.test");
	assert_false(row[0].white);
	assert_int_equal(row[0].weight, 3);
	assert_int_equal(row[0].when.n, 2);
	assert_int_equal(row[0].when.p[0].low, 0x7f000002);
	assert_int_equal(row[0].when.p[0].high, 0x7f00000b);
	assert_int_equal(row[0].when.p[1].high, 0x7f000014);
	assert_true(row[1].white);
	assert_int_equal(row[1].weight, 0);
	assert_int_equal(row[2].weight, 1);
	assert_str(row[2].label, "the list");
	conf_describe(conf, &out, false);
	assert_non_null(strstr(buf_cstr(&out), "dnsbl zen.test weight 3 when "
	    "127.0.0.2-11 127.0.0.20  # "));
	assert_non_null(strstr(buf_cstr(&out),
	    "dnsbl key.zen.test weight 1 as \"the list\"  # "));
	assert_non_null(strstr(buf_cstr(&out), "dnswl wl.test weight 0  # "));
	/* Only strangers are asked about, and none can come. */
	assert_false(conf_asks_names(conf));
	conf_free(conf);
	conf = parse("hostname a.test\nlisten smtp");
	assert_true(conf_asks_names(conf));
	conf_free(conf);
	conf = parse("hostname a.test\nlisten smtp\nclient-names no");
	assert_false(conf_asks_names(conf));
	conf_free(conf);
	/* Strangers come through a proxy on this machine, too. */
	conf = parse("hostname a.test\nlisten smtp on 127.0.0.1:2525 proxy "
	    "from 127.0.0.1");
	assert_true(conf_asks_names(conf));
	conf_free(conf);
	conf = parse("hostname a.test\nlisten smtp on [::1]:2525\n"
	    "xclient for ::1");
	assert_true(conf_asks_names(conf));
	conf_free(conf);
	conf = parse("hostname a.test\nlisten none\nxclient for ::1");
	assert_false(conf_asks_names(conf));
	conf_free(conf);
	buf_free(&out);
}

static void
test_routes(void **state)
{
	struct conf *conf;
	struct buf text;
	size_t i, n = sizeof(routes) / sizeof(routes[0]);

	(void)state;
	buf_init(&text);
	buf_putz(&text, HOST);
	for (i = 0; i < n; i++)
		buf_printf(&text, "route %s\n", routes[i].text);
	conf = parse(buf_cstr(&text));
	assert_int_equal(conf->routes.n, n);
	for (i = 0; i < n; i++) {
		assert_str(conf->routes.p[i].pattern, routes[i].pattern);
		assert_str(conf->routes.p[i].host, routes[i].host);
		assert_int_equal(conf->routes.p[i].port, routes[i].port);
		assert_int_equal(conf->routes.p[i].mx, routes[i].mx);
		assert_int_equal(conf->routes.p[i].line, i + 2);
	}
	conf_free(conf);
	buf_free(&text);
}

static const struct {
	const char *text, *errors;
} malformed[] = {
	{ "hostnam a", "1:1: unknown setting \"hostnam\"; did you mean "
	    "\"hostname\"?" },
	{ "xyzzy a", "1:1: unknown setting \"xyzzy\"" },
	{ "\n  size", "2:7: expected a value, got the end of the line" },
	{ "size 1M 2", "1:9: expected the end of the line, got \"2\"" },
	{ "size x", "1:6: size: expected a size from 64K to 2G, got \"x\"" },
	{ "size 1M {\na\n}", "1:8: size takes no block" },
	{ "size 1M\n\nsize 2M", "3:1: size was set in line 1 already" },
	{ "deliver mbox\ndeliver mbox",
	    "2:1: deliver was set in line 1 already" },
	{ "retry-first 5h", "1:1: retry-first 5h is more than retry-most 4h" },
	{ "tls", "1:4: expected \"certificate\", got the end of the line" },
	{ "tls certificate x.pem", "1:17: expected an absolute path, got "
	    "\"x.pem\"" },
	{ "tls certificate /x key", "1:23: expected an absolute path, got the "
	    "end of the line" },
	{ "tls certificate /x kye /y", "1:20: expected \"for\", got \"kye\"" },
	{ "tls certificate /x for", "1:23: expected names, got the end of the "
	    "line" },
	{ "tls certificate /x for *", "1:24: expected a domain or *.DOMAIN, "
	    "got \"*\"" },
	{ "tls certificate /x for a..b", "1:24: expected a domain or "
	    "*.DOMAIN, got \"a..b\"" },
	{ "listen submissions", "1:1: listen submissions speaks TLS, which "
	    "wants a certificate: tls certificate FILE key FILE" },
	{ "tls-oldest 1.4", "1:12: tls-oldest: expected \"1.0\", \"1.1\", "
	    "\"1.2\" or \"1.3\", got \"1.4\"" },
	{ "tls-client-certificates yes", "1:25: tls-client-certificates: "
	    "expected \"no\" or \"ask\", got \"yes\"" },
	{ "retry-most 1m", "1:1: retry-first 5m is more than retry-most 1m" },
	{ "delimiter a", "1:1: expected a delimiter out of !#$%&*+-=_^~" },

	{ "listen", "1:7: expected \"smtp\", \"submission\", "
	    "\"submissions\" or \"none\", got "
	    "the end of the line" },
	{ "listen smpt", "1:8: expected \"smtp\", \"submission\", "
	    "\"submissions\" or \"none\", "
	    "got \"smpt\"; did you mean \"smtp\"?" },
	{ "listen smtp at 1", "1:13: expected \"on\", \"as\" or \"proxy\", got "
	    "\"at\"" },
	{ "normalize 192.0.2.1", "1:11: expected \"for\", got "
	    "\"192.0.2.1\"" },
	{ "normalize for 0.0.0.0/0", "1:15: with a prefix of 0 bits nobody's "
	    "bare LF would be refused" },
	{ "normalize for ::/0", "1:15: with a prefix of 0 bits nobody's bare "
	    "LF would be refused" },
	{ "xclient for ::/0", "1:13: with a prefix of 0 bits everybody in the "
	    "world could claim to be anybody" },
	{ "listen smtp as", "1:15: expected a name such as \"outside\", of "
	    "letters, digits and -, that has no other meaning, got the end "
	    "of the line" },
	{ "listen smtp as submission", "1:16: expected a name such as "
	    "\"outside\", of letters, digits and -, that has no other "
	    "meaning, got \"submission\"" },
	{ "listen smtp on 26 as not", "1:22: expected a name such as "
	    "\"outside\", of letters, digits and -, that has no other "
	    "meaning, got \"not\"" },
	{ "listen smtp as 25", "1:16: expected a name such as \"outside\", "
	    "of letters, digits and -, that has no other meaning, got "
	    "\"25\"" },
	{ "listen smtp as a.b", "1:16: expected a name such as \"outside\", "
	    "of letters, digits and -, that has no other meaning, got "
	    "\"a.b\"" },
	{ "listen smtp as a on 26", "1:18: expected the end of the line, got "
	    "\"on\"" },
	/* A slip would leave a door open. */
	{ "listen smtp as inside\nreject on outside", "2:1: on outside: "
	    "expected \"smtp\", \"submission\" or \"submissions\", or the "
	    "address, port or name of a \"listen\"" },
	{ "listen smtp\nreject on 26", "2:1: on 26: expected \"smtp\", "
	    "\"submission\" or \"submissions\", or the address, port or "
	    "name of a \"listen\"" },
	{ "listen smtp\nreject on smtp or 192.0.2.1", "2:1: on 192.0.2.1: "
	    "expected \"smtp\", \"submission\" or \"submissions\", or the "
	    "address, port or name of a \"listen\"" },
	{ "listen smtp on 192.0.2.1:26\nreject on 192.0.2.1:25", "2:1: on "
	    "192.0.2.1:25: expected \"smtp\", \"submission\" or "
	    "\"submissions\", or the address, port or name of a "
	    "\"listen\"" },
	{ "listen none\nreject on 25", "2:1: on 25: expected \"smtp\", "
	    "\"submission\" or \"submissions\", or the address, port or "
	    "name of a \"listen\"" },
	{ "listen smtp on", "1:15: expected an address, [ADDRESS]:PORT or a "
	    "port, got the end of the line" },
	{ "listen smtp on 0", "1:16: expected an address, [ADDRESS]:PORT or a "
	    "port, got \"0\"" },
	{ "listen smtp on 65536", "1:16: expected an address, [ADDRESS]:PORT "
	    "or a port, got \"65536\"" },
	{ "listen smtp on a.example", "1:16: expected an address, "
	    "[ADDRESS]:PORT or a port, got \"a.example\"" },
	{ "listen smtp on [::1", "1:16: expected an address, [ADDRESS]:PORT "
	    "or a port, got \"[::1\"" },
	{ "listen smtp on [::1]25", "1:16: expected an address, "
	    "[ADDRESS]:PORT or a port, got \"[::1]25\"" },
	{ "listen smtp on []:25", "1:16: expected an address, [ADDRESS]:PORT "
	    "or a port, got \"[]:25\"" },
	{ "listen smtp on :", "1:16: expected an address, [ADDRESS]:PORT or a "
	    "port, got \":\"" },
	{ "listen smtp on \"\"", "1:16: expected an address, [ADDRESS]:PORT "
	    "or a port, got \"\"" },
	{ "listen smtp on 25 x",
	    "1:19: expected the end of the line, got \"x\"" },
	{ "listen smtp on 25 x proxy from ::1",
	    "1:19: expected the end of the line, got \"x\"" },
	{ "listen smtp on proxy from ::1", "1:30: expected an address, "
	    "[ADDRESS]:PORT or a port, got the end of the line" },
	{ "listen smtp proxy", "1:18: expected \"from\", got the end of the "
	    "line" },
	{ "listen smtp proxy ::1", "1:19: expected \"from\", got \"::1\"" },
	{ "listen smtp proxy from", "1:23: expected networks, got the end of "
	    "the line" },
	{ "listen smtp proxy from ::1/0", "1:24: expected a network whose "
	    "address is zero behind its prefix, got \"::1/0\"" },
	{ "listen smtp proxy from 0.0.0.0/0", "1:24: with a prefix of 0 bits "
	    "everybody in the world could claim to be anybody" },
	{ "xclient for ::/0", "1:13: with a prefix of 0 bits everybody in "
	    "the world could claim to be anybody" },
	{ "xclient for", "1:12: expected networks, got the end of the line" },
	{ "xclient 192.0.2.1", "1:9: expected \"for\", got \"192.0.2.1\"" },
	{ "xclient for any", "1:13: expected a network such as 192.0.2.0/24 "
	    "or 2001:db8::/32, got \"any\"" },
	{ "listen none x", "1:13: expected the end of the line, got \"x\"" },
	{ "listen none\nlisten smtp",
	    "1:1: listen none, but line 2 listens" },
	{ "listen smtp on ::1\nlisten smtp on [::1]:25",
	    "2:1: port 25 of ::1 is taken by line 1 already" },
	{ "listen smtp on ::1\nlisten smtp on [::]:25",
	    "2:1: port 25 of :: is taken by line 1 already" },

	{ "domain", "1:7: expected domain names and \"local\", got the end of "
	    "the line" },
	{ "domain local", "1:13: expected domain names and \"local\", got the "
	    "end of the line" },
	{ "domain a.example", "1:17: expected \"local\", got the end of the "
	    "line" },
	{ "domain a.example locl", "1:18: expected \"local\", got \"locl\"; "
	    "did you mean \"local\"?" },
	{ "domain a..b *.c local", "1:8: expected a domain name, got "
	    "\"a..b\"\nf:1:13: expected a domain name, got \"*.c\"" },
	{ "domain a.example local\ndomain b A.example local",
	    "2:1: domain a.example was named in line 1 already" },

	{ "accept client 192.0.2.1 at rcpt", "1:25: accept has no \"at\": "
	    "only reject and defer say something" },
	{ "accept with x", "1:8: accept has no \"with\": it has nothing to "
	    "say" },
	{ "reject cleint 192.0.2.1", "1:8: expected a condition: \"client\", "
	    "\"helo\", \"from\", \"to\", \"login\", \"secure\", \"local\", "
	    "\"on\", \"size\" or \"recipients\", got \"cleint\"; did you mean "
	    "\"client\"?" },
	{ "reject client in dnsbl", "1:23: expected the domain of a DNS list, "
	    "got the end of the line" },
	{ "reject client in dnsbl a..b", "1:24: expected the domain of a DNS "
	    "list, got \"a..b\"" },
	{ "reject client", "1:14: expected a network such as 192.0.2.0/24 or "
	    "2001:db8::/32, \"file\", \"db\" or \"dnsbl\", got the end of the "
	    "line" },
	{ "reject client in 192.0.2.1/24", "1:18: expected a network such as "
	    "192.0.2.0/24 or 2001:db8::/32, \"file\", \"db\" or \"dnsbl\", got "
	    "\"192.0.2.1/24\"" },
	{ "reject client in 192.0.2.1 or", "1:30: expected a network such as "
	    "192.0.2.0/24 or 2001:db8::/32, \"file\", \"db\" or \"dnsbl\", got the end "
	    "of the line" },
	{ "reject client in file suspects", "1:23: expected an absolute path, "
	    "got \"suspects\"" },
	{ "reject from ann", "1:13: expected an address such as "
	    "ann@example.org, @example.org, *@*.example.org or <>, got "
	    "\"ann\"" },
	{ "reject to ann@", "1:11: expected an address such as "
	    "ann@example.org, @example.org, *@*.example.org or <>, got "
	    "\"ann@\"" },
	{ "reject helo is friend or not helo is x", "1:26: expected a name "
	    "such as mx.example.org or *.example.org, got \"not\"" },
	{ "reject login is and from a@b", "1:17: expected the name of a "
	    "login, got \"and\"" },
	{ "reject on 192.0.2.0/24", "1:11: expected a service such as "
	    "\"smtp\" or \"submission\", or the address, port or name of a "
	    "\"listen\", got \"192.0.2.0/24\"" },
	{ "reject on and secure", "1:11: expected a service such as \"smtp\" "
	    "or \"submission\", or the address, port or name of a "
	    "\"listen\", got \"and\"" },
	{ "reject on smpt", "1:1: on smpt: expected \"smtp\", "
	    "\"submission\" or \"submissions\", or the address, port or "
	    "name of a \"listen\"" },
	{ "reject size ovr 10M", "1:13: expected \"over\" or \"under\", got "
	    "\"ovr\"; did you mean \"over\"?" },
	{ "reject size over much", "1:18: expected a size such as 10M, got "
	    "\"much\"" },
	{ "reject recipients over 1K", "1:24: expected a number, got "
	    "\"1K\"" },
	{ "reject from a@b and", "1:20: expected a condition behind \"and\", "
	    "got the end of the line" },
	{ "reject from a@b and at mail", "1:21: expected a condition behind "
	    "\"and\", got \"at\"" },
	{ "reject secure yes", "1:15: expected a condition: \"client\", "
	    "\"helo\", \"from\", \"to\", \"login\", \"secure\", \"local\", "
	    "\"on\", \"size\" or \"recipients\", got \"yes\"" },
	{ "reject helo is unkown", "1:16: expected \"forged\", \"malformed\", "
	    "\"unknown\", \"confirmed\" or a name that is not so near to "
	    "these, got \"unkown\"; did you mean \"unknown\"?" },
	{ "reject helo FORGED", "1:13: expected \"forged\", \"malformed\", "
	    "\"unknown\", \"confirmed\" or a name that is not so near to "
	    "these, got \"FORGED\"" },
	{ "reject login ann@", "1:14: expected the name of a login, got "
	    "\"ann@\"" },
	{ "reject helo is a at connect", "1:21: \"helo\" is not known at "
	    "connect, but from hello on" },
	{ "reject size over 1 at hello", "1:23: \"size\" is not known at "
	    "hello, but from mail on" },
	{ "reject size under 1 at mail", "1:24: \"size under\" is not known "
	    "at mail, but from end on" },
	{ "defer not size over 1K at mail", "1:27: \"size under\" is not "
	    "known at mail, but from end on" },
	{ "reject at helo", "1:11: expected \"connect\", \"hello\", \"mail\", "
	    "\"rcpt\" or \"end\", got \"helo\"; did you mean \"hello\"?" },
	{ "reject with", "1:12: expected a text in quotes, of ASCII and not "
	    "too long, got the end of the line" },
	{ "reject with \"450 x\"", "1:13: expected a code of 550 to 559 or "
	    "521, got \"450 x\"" },
	{ "defer with \"550 x\"", "1:12: expected a code of 450 to 459 or "
	    "421, got \"550 x\"" },
	{ "defer with \"450 5.7.1 x\"", "1:12: expected a status of the same "
	    "class as the code, got \"450 5.7.1 x\"" },
	{ "reject with x y", "1:15: expected the end of the line, got "
	    "\"y\"" },
	{ "reject with x at mail", "1:15: expected the end of the line, got "
	    "\"at\"" },
	{ "header X-Spam", "1:8: expected a header field in quotes, such as "
	    "\"X-Spam: maybe\", got \"X-Spam\"" },
	{ "header \"X Spam: a\"", "1:8: expected a header field in quotes, "
	    "such as \"X-Spam: maybe\", got \"X Spam: a\"" },
	{ "header \"X-Spam: a\" with x", "1:20: header has no \"with\": it "
	    "has nothing to say" },

	{ "deliver", "1:8: expected \"mbox\", \"maildir\" or \"command\", got "
	    "the end of the line" },
	{ "deliver maildr", "1:9: expected \"mbox\", \"maildir\" or "
	    "\"command\", got \"maildr\"; did you mean \"maildir\"?" },
	{ "deliver mbox a", "1:14: expected an absolute path, got \"a\"" },
	{ "deliver mbox ~/a", "1:14: expected an absolute path, got "
	    "\"~/a\"" },
	{ "deliver mbox /%u", "1:14: expected a directory without %, got "
	    "\"/%u\"" },
	{ "deliver mbox /a b",
	    "1:17: expected the end of the line, got \"b\"" },
	{ "deliver maildir Maildir", "1:17: expected an absolute path or one "
	    "that begins with ~/, got \"Maildir\"" },
	{ "deliver maildir ~/%h", "1:17: expected a path with no other % than "
	    "%u, got \"~/%h\"" },
	{ "deliver command", "1:16: expected the command as one word in "
	    "quotes, got the end of the line" },
	{ "deliver command /a -b", "1:20: expected the command as one word in "
	    "quotes, got \"-b\"" },
	{ "deliver command \"\"", "1:17: expected a command that begins with "
	    "an absolute path, got \"\"" },
	{ "deliver command \"a b\"", "1:17: expected a command that begins "
	    "with an absolute path, got \"a b\"" },
	{ "deliver command /bin/%u", "1:17: expected a command that begins "
	    "with an absolute path, got \"/bin/%u\"" },
	{ "deliver command \"/a %x\"", "1:17: expected only %u, %h, %s, %r, "
	    "%e and %% in a command, got \"/a %x\"" },
	{ "deliver command \"/a %\"", "1:17: expected only %u, %h, %s, %r, "
	    "%e and %% in a command, got \"/a %\"" },
	{ "deliver command \"/a 'b\"", "1:17: expected a closing quote within "
	    "the command" },

	{ "login", "1:6: expected \"file\", \"pam\", \"dovecot\", "
	    "\"mechanisms\", \"senders\" or \"without tls\", got the end of "
	    "the line" },
	{ "login fil /x", "1:7: expected \"file\", \"pam\", \"dovecot\", "
	    "\"mechanisms\", \"senders\" or \"without tls\", got \"fil\"; did "
	    "you mean \"file\"?" },
	{ "login file", "1:11: expected the absolute path of a file, got the "
	    "end of the line" },
	{ "login file x", "1:12: expected the absolute path of a file, got "
	    "\"x\"" },
	{ "login file /x y", "1:15: expected the end of the line, got "
	    "\"y\"" },
	{ "login file /x\nlogin dovecot /y", "2:1: line 1 has said that "
	    "already" },
	{ "login dovecot x", "1:15: expected unix: and the absolute path of "
	    "Dovecot's auth-client socket, got \"x\"" },
	{ "login senders", "1:14: expected \"own\", \"any\", \"file\" or "
	    "\"db\", got the end of the line" },
	{ "login senders none", "1:15: expected \"own\", \"any\", \"file\" or "
	    "\"db\", got \"none\"" },
	{ "login senders any x", "1:19: expected the end of the line, got "
	    "\"x\"" },
	{ "login senders file x", "1:20: expected the absolute path of a "
	    "file, got \"x\"" },
	{ "login senders own\nlogin senders db /x", "2:1: line 1 has said "
	    "that already" },
	{ "login without", "1:14: expected \"tls\", got the end of the "
	    "line" },
	{ "login without tls\nlogin without tls", "2:1: line 1 has said that "
	    "already" },
	{ "login mechanisms", "1:17: expected mechanisms, got the end of the "
	    "line" },
	{ "login mechanisms plane", "1:18: expected a mechanism, got "
	    "\"plane\"; did you mean \"plain\"?" },
	{ "login mechanisms plain", "1:1: mechanisms, but nothing to prove a "
	    "password by: \"login file\", \"login pam\" or \"login dovecot\"" },
	{ "login file /x\nlogin mechanisms xoauth2", "2:1: \"login file\" "
	    "cannot serve xoauth2" },

	{ "relay", "1:6: expected \"for\", got the end of the line" },
	{ "relay 192.0.2.0/24",
	    "1:7: expected \"for\", got \"192.0.2.0/24\"" },
	{ "relay for", "1:10: expected networks, got the end of the line" },
	{ "relay for 0.0.0.0/0", "1:11: this would be an open relay: a prefix "
	    "of 0 bits lets everybody in the world send to everybody" },
	{ "relay for 192.0.2.1 ::/0", "1:21: this would be an open relay: a "
	    "prefix of 0 bits lets everybody in the world send to "
	    "everybody" },
	{ "relay for 192.0.2.1/24", "1:11: expected a network whose address "
	    "is zero behind its prefix, got \"192.0.2.1/24\"" },
	{ "relay for 192.0.2.0/33", "1:11: expected a network such as "
	    "192.0.2.0/24 or 2001:db8::/32, got \"192.0.2.0/33\"" },
	{ "relay for all", "1:11: expected a network such as 192.0.2.0/24 or "
	    "2001:db8::/32, got \"all\"" },

	{ "dnsbl", "1:6: expected the domain of a DNS list, got the end of "
	    "the line" },
	{ "dnsbl a_b..c", "1:7: expected the domain of a DNS list, got "
	    "\"a_b..c\"" },
	{ "dnsbl bl.test wieght 2", "1:15: expected \"weight\", \"when\" or "
	    "\"as\", got \"wieght\"; did you mean \"weight\"?" },
	{ "dnsbl bl.test weight", "1:21: expected a number from 0 to 1000, "
	    "got the end of the line" },
	{ "dnsbl bl.test weight 1001", "1:22: expected a number from 0 to "
	    "1000, got \"1001\"" },
	{ "dnsbl bl.test weight -1", "1:22: expected a number from 0 to "
	    "1000, got \"-1\"" },
	{ "dnswl bl.test when", "1:19: expected an address such as 127.0.0.2 "
	    "or 127.0.0.2-11, got the end of the line" },
	{ "dnsbl bl.test when ::1", "1:20: expected an address such as "
	    "127.0.0.2 or 127.0.0.2-11, got \"::1\"" },
	{ "dnsbl bl.test when 127.0.0.5-4", "1:20: expected an address such "
	    "as 127.0.0.2 or 127.0.0.2-11, got \"127.0.0.5-4\"" },
	{ "dnsbl bl.test when 127.0.0.5-256", "1:20: expected an address such "
	    "as 127.0.0.2 or 127.0.0.2-11, got \"127.0.0.5-256\"" },
	{ "dnsbl bl.test as \"\"", "1:18: expected a name for the list, got "
	    "\"\"" },
	{ "greylist yes", "1:10: greylist: expected a duration from 0s to 1h, "
	    "got \"yes\"" },
	{ "pre-greeting 31", "1:14: pre-greeting: expected a duration from 0s "
	    "to 30s, got \"31\"" },
	{ "route", "1:6: expected a domain, *.DOMAIN or *, got the end of the "
	    "line" },
	{ "route a.*", "1:7: expected a domain, *.DOMAIN or *, got \"a.*\"" },
	{ "route *. via b", "1:7: expected a domain, *.DOMAIN or *, got "
	    "\"*.\"" },
	{ "route * b", "1:9: expected \"via\", got \"b\"" },
	{ "route * via", "1:12: expected HOST, HOST:PORT, ADDRESS:PORT or "
	    "[ADDRESS]:PORT, got the end of the line" },
	{ "route * via b c", "1:15: expected the end of the line, got "
	    "\"c\"" },
	{ "route * via b:", "1:13: expected HOST, HOST:PORT, ADDRESS:PORT or "
	    "[ADDRESS]:PORT, got \"b:\"" },
	{ "route * via :25", "1:13: expected HOST, HOST:PORT, ADDRESS:PORT or "
	    "[ADDRESS]:PORT, got \":25\"" },
	{ "route * via 192.0.2.256", "1:13: expected HOST, HOST:PORT, "
	    "ADDRESS:PORT or [ADDRESS]:PORT, got \"192.0.2.256\"" },
	{ "route * via [::1]:0", "1:13: expected HOST, HOST:PORT, "
	    "ADDRESS:PORT or [ADDRESS]:PORT, got \"[::1]:0\"" },

	{ "siz 1M\nhops x\nlisten x", "1:1: unknown setting \"siz\"; did you "
	    "mean \"size\"?\n"
	    "f:2:6: hops: expected a number from 100 to 10000, got \"x\"\n"
	    "f:3:8: expected \"smtp\", \"submission\", "
	    "\"submissions\" or \"none\", got "
	    "\"x\"" },
};

static void
test_malformed(void **state)
{
	struct buf errors, expected;
	struct conf *conf;
	size_t i;

	(void)state;
	buf_init(&errors);
	buf_init(&expected);
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		buf_reset(&errors);
		buf_reset(&expected);
		buf_printf(&expected, "f:%s\n", malformed[i].errors);
		conf = conf_parse("f", str_of(malformed[i].text), &errors);
		if (conf != NULL || strcmp(buf_cstr(&errors),
		    buf_cstr(&expected)) != 0)
			fail_msg("%s: %s", malformed[i].text,
			    buf_cstr(&errors));
	}
	buf_free(&errors);
	buf_free(&expected);
}

/* What is described is a configuration that is described the same. */
static void
test_describe_round_trip(void **state)
{
	static const char *const texts[] = { HOST, HOST "listen none\n",
	    HOST "delimiter \"\"\nspool \"/x y\"\nsize 100000\n"
	    "domain b.example a.example local # two\n"
	    "listen submission on 127.0.0.1:2587\n"
	    "deliver command \"/bin/x -a \\\"%u b\\\"\"\n"
	    "listen smtp on 2525 proxy from 192.0.2.1 2001:db8::/32\n"
	    "xclient for 192.0.2.0/24 2001:db8::/32\n"
	    "relay for 192.0.2.0/24 2001:db8::/32\n"
	    "route *.example via [::1]:26\nroute * via isp.example\n"
	    "route x.example via isp.example:25\n",
	    HOST "listen smtp as out-side\n"
	    "listen smtp on [::1]:2526 as b2 proxy from 192.0.2.1\n"
	    "reject on b2 or out-side or smtp or [::1]:2526 or ::1 or 25\n"
	    "reject not on :2526 and secure\n"
	    "reject helo is forged or malformed or mx.* or unknown at hello\n"
	    "accept not helo confirmed\n"
	    "normalize for 192.0.2.7 2001:db8::/32\nnul no\n",
	    HOST "tls certificate /a.pem\ntls certificate \"/b b\" key /k for "
	    "B.example *.c.example\ntls-oldest 1.3\n"
	    "tls-client-certificates ask\ntls-client-authorities /ca\n"
	    "listen submissions on 127.0.0.1\n",
	    HOST "login file \"/x y\"\nlogin without tls\n"
	    "login mechanisms LOGIN Plain scram-sha-256\n",
	    HOST "login file /x\nlogin senders file \"/a b\"\n"
	    "login-checks-from yes\nreceived-hides-client yes\n",
	    HOST "login pam\nlogin senders db /a\n",
	    HOST "login dovecot unix:/run/auth\nlogin senders any\nlogin mechanisms oauthbearer "
	    "xoauth2 external\n" };
	struct conf *conf, *again;
	struct buf first, names;
	size_t i;

	(void)state;
	buf_init(&first);
	buf_init(&names);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(&first);
		conf = parse(texts[i]);
		conf_describe(conf, &first, false);
		again = parse(buf_cstr(&first));
		assert_true(conf_may_reload(conf, again, &names));
		assert_int_equal(conf->listens.n, again->listens.n);
		assert_int_equal(conf->routes.n, again->routes.n);
		assert_int_equal(conf->relay.n, again->relay.n);
		assert_int_equal(conf->session.xclient.nets.n,
		    again->session.xclient.nets.n);
		assert_int_equal(conf->domains.n, again->domains.n);
		assert_int_equal(conf->size, again->size);
		assert_int_equal(conf->tls.certificates.n,
		    again->tls.certificates.n);
		assert_int_equal(conf->tls.oldest, again->tls.oldest);
		assert_int_equal(conf->tls.clients, again->tls.clients);
		assert_true(str_eq(conf->tls.authorities,
		    again->tls.authorities));
		assert_true(str_eq(conf->deliver.path, again->deliver.path));
		assert_true(str_eq(conf->delimiter, again->delimiter));
		conf_free(conf);
		conf_free(again);
	}
	buf_free(&first);
	buf_free(&names);
}

static bool
has_line(struct buf *text, const char *line)
{
	struct str rest = buf_str(text), piece;

	while (str_cut(&rest, '\n', &piece))
		if (str_eq(piece, str_of(line)))
			return true;
	return false;
}

static void
test_describe_text(void **state)
{
	struct conf *conf = parse(HOST "size 1M\ndelimiter \"\"\n"
	    "domain a.example local\nroute * via [::1]:26\n"
	    "deliver command \"/bin/x -a\"\n");
	struct buf text;

	(void)state;
	buf_init(&text);
	conf_describe(conf, &text, false);
	assert_true(has_line(&text, "hostname mx.example  # f.conf:1"));
	assert_true(has_line(&text, "size 1M  # f.conf:2"));
	assert_true(has_line(&text, "hops 100  # default"));
	assert_true(has_line(&text, "delimiter \"\"  # f.conf:3"));
	assert_true(has_line(&text, "domain a.example local  # f.conf:4"));
	assert_true(has_line(&text, "domain localhost local  # default"));
	assert_true(has_line(&text, "route * via [::1]:26  # f.conf:5"));
	assert_true(has_line(&text,
	    "deliver command \"/bin/x -a\"  # f.conf:6"));
	assert_true(has_line(&text,
	    "listen smtp on 127.0.0.1:25  # default"));
	assert_true(has_line(&text, "listen smtp on [::1]:25  # default"));
	assert_true(has_line(&text, "# no relay  # default"));
	assert_true(has_line(&text, "timeout-session 1h  # default"));
	buf_free(&text);
	conf_free(conf);
}

static void
assert_has(struct buf *text, const char *part)
{
	if (str_search(buf_str(text), str_of(part)) == text->n)
		fail_msg("no %s in %s", part, buf_cstr(text));
}

static void
test_describe_json(void **state)
{
	struct conf *conf = parse(HOST "size 1M\n"
	    "deliver command \"/bin/x \\\"a\\\\\\\"\"\nlisten none\n");
	struct buf text;

	(void)state;
	buf_init(&text);
	conf_describe(conf, &text, true);
	assert_true(str_starts(buf_str(&text), STR("{\"hostname\":{\"value\":"
	    "\"mx.example\",\"from\":\"f.conf:1\"},\"listen\":[{\"value\":"
	    "\"none\",\"from\":\"f.conf:4\"}],\"domain\":[{")));
	assert_has(&text, ",\"size\":{\"value\":\"1M\",\"from\":"
	    "\"f.conf:2\"},");
	assert_has(&text, ",\"relay\":[],");
	assert_has(&text, ",\"hops\":{\"value\":\"100\",\"from\":"
	    "\"default\"},");
	assert_has(&text, ",\"deliver\":{\"value\":\"command \\\"/bin/x "
	    "\\\\\\\"a\\\\\\\\\\\\\\\"\\\"\",\"from\":\"f.conf:3\"},");
	assert_true(str_ends(buf_str(&text), STR("}}\n")));
	buf_free(&text);
	conf_free(conf);
}

static void
test_may_reload(void **state)
{
	struct conf *a = parse(HOST), *b;
	struct buf names;

	(void)state;
	buf_init(&names);
	b = parse(HOST "size 1M\nroute * via b.example\n");
	assert_true(conf_may_reload(a, b, &names));
	assert_int_equal(names.n, 0);
	conf_free(b);
	b = parse(HOST "spool /x\nlisten smtp\nsize 1M\n");
	assert_false(conf_may_reload(a, b, &names));
	assert_string_equal(buf_cstr(&names), "listen spool");
	conf_free(b);
	conf_free(a);
	buf_free(&names);
}

static void
test_load(void **state)
{
	char dir[] = "/tmp/conf_conf.XXXXXX", path[64];
	struct arena arena;
	struct buf errors;
	struct conf *conf;
	FILE *f;

	(void)state;
	buf_init(&errors);
	arena_init(&arena);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/godwit.conf", dir);
	assert_null(conf_load(path, false, &errors));
	assert_true(errors.n > 0);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(HOST "run /r/\n", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	buf_reset(&errors);
	conf = conf_load(path, true, &errors);
	assert_non_null(conf);
	assert_int_equal(errors.n, 0);
	assert_str(conf->path, path);
	assert_str(conf_run_path(conf, &arena, "submit.sock"),
	    "/r/submit.sock");
	conf_free(conf);
	conf_free(NULL);
	unlink(path);
	rmdir(dir);
	arena_free(&arena);
	buf_free(&errors);
}

/* A large file takes no more than n log n: this ends in well under a second. */
static void
test_many_domains(void **state)
{
	struct buf text;
	struct conf *conf;
	unsigned i;

	(void)state;
	buf_init(&text);
	buf_putz(&text, HOST);
	for (i = 0; i < 30000; i++)
		buf_printf(&text, "domain d%u.example local\n", i * 7919);
	conf = parse(buf_cstr(&text));
	assert_int_equal(conf->domains.n, 30002);
	assert_true(conf_is_local_domain(conf, STR("d7919.example")));
	assert_false(conf_is_local_domain(conf, STR("d7918.example")));
	conf_free(conf);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe_system),
		cmocka_unit_test(test_hostname_of_machine),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_many_listens),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_deliver),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_proxies),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_dns_lists),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_describe_round_trip),
		cmocka_unit_test(test_describe_text),
		cmocka_unit_test(test_describe_json),
		cmocka_unit_test(test_may_reload),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_many_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
