/* SPDX-License-Identifier: ISC */
/*
 * The command line of sendmail(8): one table with a row for each letter, and
 * a walk over the words as getopt(3) would do it, but for three things that
 * getopt cannot do: a value that is only taken when it is attached (-q30m), a
 * letter that nobody knows (it is passed over with the rest of its word, so
 * that a flag of some other mailer never costs a message), and no order of
 * its own: the first word that is no option begins the recipients.
 *
 * Called by bin/sendmail, once, before anything is read.  Nothing is opened
 * or looked up here; what an address or a file means is found out later.
 */
#include "client/options.h"

#include <string.h>

enum argument {
	NONE,
	VALUE,			/* attached, or the next word */
	ATTACHED,		/* attached, or none ("") */
};

enum effect {
	NOTHING,		/* taken and forgotten */
	MODE,
	REBUILD,
	CONFIG,
	SENDER,
	FULL_NAME,
	HEADER,
	DOTS,
	VERBOSE,
	JSON,
	COMPLAINT,
	OPTION,
	OLD_OPTION,
	FLUSH,
};

struct row {
	char		letter;
	enum argument	argument;
	enum effect	effect;
};

static int
complain(struct fault *why, const char *text, const char *value)
{
	return fault_permanent(why, 501, 5, 4, "%s%s", text, value);
}

static void
set_mode(struct options *o, enum options_mode mode)
{
	o->mode = mode;
	o->mode_is_given = true;
}

struct mode_row {
	const char		*name;
	enum options_mode	 mode;
};

static const struct mode_row modes[] = {
	{ "m", MODE_SEND }, { "s", MODE_SMTP }, { "pc", MODE_COUNT },
	{ "P", MODE_COUNT }, { "i", MODE_ALIASES }, { "d", MODE_DAEMON },
	{ "D", MODE_DAEMON }, { "l", MODE_DAEMON }, { "v", MODE_VERIFY },
	{ "t", MODE_VERIFY }, { "h", MODE_NOTHING }, { "H", MODE_NOTHING },
	{ "V", MODE_VERSION },
};

static int
take_mode(struct options *o, const char *v, struct fault *why)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(v, modes[i].name) == 0) {
			set_mode(o, modes[i].mode);
			return 0;
		}
	}
	/* -bpa, -bpr and so on: the list in another order. */
	if (v[0] != 'p')
		return complain(why, "there is no mode -b", v);
	set_mode(o, MODE_QUEUE);
	return 0;
}

static void
take_complaint(struct options *o, const char *v)
{
	switch (v[0]) {
	case 'p':
		o->complaint = COMPLAIN_PRINT;
		break;
	case 'q':
		o->complaint = COMPLAIN_QUIETLY;
		break;
	default:
		o->complaint = COMPLAIN_MAIL;
		break;
	}
}

/* An option of the old kind is true when nothing is said about it. */
static bool
is_true(const char *v)
{
	return v[0] == '\0' || strchr("tTyY1", v[0]) != NULL;
}

/* -oX: options of one letter, with their value behind it. */
static void
take_old_option(struct options *o, const char *v)
{
	switch (v[0]) {
	case 'i':
		o->dot_is_text = is_true(v + 1);
		break;
	case 'e':
		take_complaint(o, v + 1);
		break;
	case 'A':
		o->aliases = v[1] != '\0' ? v + 1 : o->aliases;
		break;
	case 'v':
		o->verbose = true;
		break;
	}
}

/* -O Name=value */
static void
take_option(struct options *o, const char *v)
{
	struct str name = str_of(v);
	const char *value = strchr(v, '=');

	value = value == NULL ? "" : value + 1;
	name = str_slice(name, 0, str_find(name, '='));
	if (str_caseeq(name, STR("ErrorMode")))
		take_complaint(o, value);
	else if (str_caseeq(name, STR("IgnoreDots")))
		o->dot_is_text = is_true(value);
	else if (str_caseeq(name, STR("AliasFile")) && value[0] != '\0')
		o->aliases = value;
}

/* -q, -q30m, -qI id, -qR site ...; all but -qI mean the whole queue. */
static void
take_flush(struct options *o, const char *v)
{
	o->flush = true;
	if (v[0] == 'I')
		o->queue_id = v + 1;
}

static int
take(struct options *o, enum effect effect, const char *v, struct fault *why)
{
	switch (effect) {
	case NOTHING:
		break;
	case MODE:
		return take_mode(o, v, why);
	case REBUILD:
		set_mode(o, MODE_ALIASES);
		break;
	case CONFIG:
		o->config = v;
		break;
	case SENDER:
		o->sender = v;
		break;
	case FULL_NAME:
		o->full_name = v;
		break;
	case HEADER:
		o->from_header = true;
		break;
	case DOTS:
		o->dot_is_text = true;
		break;
	case VERBOSE:
		o->verbose = true;
		break;
	case JSON:
		o->json = true;
		break;
	case COMPLAINT:
		take_complaint(o, v);
		break;
	case OPTION:
		take_option(o, v);
		break;
	case OLD_OPTION:
		take_old_option(o, v);
		break;
	case FLUSH:
		take_flush(o, v);
		break;
	}
	return 0;
}

static const struct row rows[] = {
	{ 'A', VALUE, NOTHING },		/* -Ac, -Am: which configuration */
	{ 'B', VALUE, NOTHING },		/* the bytes say it better */
	{ 'b', VALUE, MODE },
	{ 'C', VALUE, CONFIG },
	{ 'c', NONE, NOTHING },
	{ 'D', VALUE, NOTHING },		/* a file for debug output */
	{ 'd', ATTACHED, NOTHING },
	{ 'E', ATTACHED, NOTHING },
	{ 'e', VALUE, COMPLAINT },
	{ 'F', VALUE, FULL_NAME },
	{ 'f', VALUE, SENDER },
	{ 'G', NONE, NOTHING },
	{ 'h', VALUE, NOTHING },		/* hops are counted in the header */
	{ 'I', NONE, REBUILD },
	{ 'i', NONE, DOTS },
	{ 'J', ATTACHED, NOTHING },
	{ 'j', NONE, JSON },
	{ 'L', VALUE, NOTHING },		/* a name for the log */
	{ 'M', VALUE, NOTHING },		/* a macro */
	{ 'm', NONE, NOTHING },
	{ 'N', VALUE, NOTHING },		/* RFC 3461; the server cannot yet */
	{ 'n', NONE, NOTHING },
	{ 'O', VALUE, OPTION },
	{ 'o', VALUE, OLD_OPTION },
	{ 'p', VALUE, NOTHING },		/* protocol of a relayed message */
	{ 'Q', ATTACHED, NOTHING },
	{ 'q', ATTACHED, FLUSH },
	{ 'R', VALUE, NOTHING },
	{ 'r', VALUE, SENDER },
	{ 'S', ATTACHED, NOTHING },
	{ 's', NONE, NOTHING },
	{ 'T', ATTACHED, NOTHING },
	{ 't', NONE, HEADER },
	{ 'U', NONE, NOTHING },
	{ 'V', VALUE, NOTHING },
	{ 'v', NONE, VERBOSE },
	{ 'X', VALUE, NOTHING },		/* a file for the dialogue */
	{ 'x', NONE, NOTHING },
};

static const struct row *
find_row(char letter)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* One word of letters; *next is a word that may serve as the value of the last
 * letter, and becomes NULL if it was used. */
static int
take_letters(struct options *o, const char *word, const char **next,
    struct fault *why)
{
	char letter[2] = "";
	const struct row *row;
	const char *value;

	while ((row = find_row(*word)) != NULL) {
		letter[0] = *word++;
		value = row->argument == NONE ? "" : word;
		if (row->argument == VALUE && *value == '\0') {
			if ((value = *next) == NULL)
				return complain(why,
				    "option requires an argument -- ", letter);
			*next = NULL;
		}
		if (take(o, row->effect, value, why) != 0)
			return -1;
		if (row->argument != NONE)
			return 0;
	}
	return 0;
}

static void
take_long(struct options *o, struct str name)
{
	if (str_eq(name, STR("help")))
		set_mode(o, MODE_HELP);
	else if (str_eq(name, STR("version")))
		set_mode(o, MODE_VERSION);
	else if (str_eq(name, STR("json")))
		o->json = true;
}

static void
take_name(struct options *o, const char *argv0)
{
	struct str name = str_of(argv0);
	size_t slash = str_rfind(name, '/');

	o->program = slash == name.n ? name : str_from(name, slash + 1);
	if (o->program.n == 0)
		o->program = STR("sendmail");
	if (str_eq(o->program, STR("mailq")))
		set_mode(o, MODE_QUEUE);
	else if (str_eq(o->program, STR("newaliases")))
		set_mode(o, MODE_ALIASES);
	else if (str_eq(o->program, STR("runq")))
		set_mode(o, MODE_FLUSH);
	o->rmail = str_eq(o->program, STR("rmail"));
	o->dot_is_text = o->rmail;
}

/* "-qI" with its id in the next word. */
static int
complete_id(struct options *o, const char **next, struct fault *why)
{
	if (o->queue_id == NULL || o->queue_id[0] != '\0')
		return 0;
	if (*next == NULL)
		return complain(why, "option requires an argument -- ", "qI");
	o->queue_id = *next;
	*next = NULL;
	return 0;
}

int
options_parse(struct arena *a, int argc, char *const *argv, struct options *o,
    struct fault *why)
{
	const char *next;
	int i;

	*o = (struct options){ .mode = MODE_SEND };
	take_name(o, argc > 0 ? argv[0] : NULL);
	for (i = 1; i < argc; i++) {
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			break;
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][1] == '-') {
			take_long(o, str_of(argv[i] + 2));
			continue;
		}
		next = i + 1 < argc ? argv[i + 1] : NULL;
		if (take_letters(o, argv[i] + 1, &next, why) != 0 ||
		    complete_id(o, &next, why) != 0)
			return -1;
		if (i + 1 < argc && next == NULL)
			i++;
	}
	for (; i < argc; i++)
		vec_push(a, &o->recipients, argv[i]);
	if (o->flush && !o->mode_is_given)
		o->mode = MODE_FLUSH;
	return 0;
}
