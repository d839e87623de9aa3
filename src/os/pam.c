/* SPDX-License-Identifier: ISC */
/*
 * PAM, for a process that does nothing else: its modules run whatever code an
 * administrator has put there, as root, and may leave anything behind.  The
 * doorkeeper's child (doorkeeper/doorkeeper) calls it once and ends.
 *
 * The library is loaded at run time, so that nobody else carries it.  A module
 * that asks for more than a password (a new one, a token) gets no answer, and
 * so the login fails.  The secret is copied once for PAM, which wipes and frees
 * it.
 */
#include "os/pam.h"

#include "config.h"

#if CONFIG_HAVE_PAM

#include <dlfcn.h>
#include <security/pam_appl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct library {
	int	(*start)(const char *, const char *, const struct pam_conv *,
		    pam_handle_t **);
	int	(*end)(pam_handle_t *, int);
	int	(*set_item)(pam_handle_t *, int, const void *);
	int	(*get_item)(const pam_handle_t *, int, const void **);
	int	(*authenticate)(pam_handle_t *, int);
	int	(*acct_mgmt)(pam_handle_t *, int);
};

bool
pam_is_there(void)
{
	return true;
}

static int
load(struct library *l, struct fault *why)
{
	void *so = dlopen("libpam.so.0", RTLD_NOW | RTLD_GLOBAL);

	if (so == NULL)
		return fault_temporary(why, 454, 7, 0, "%s", dlerror());
	l->start = (__typeof__(l->start))(uintptr_t)dlsym(so,
	    "pam_start");
	l->end = (__typeof__(l->end))(uintptr_t)dlsym(so,
	    "pam_end");
	l->set_item = (__typeof__(l->set_item))(uintptr_t)dlsym(so,
	    "pam_set_item");
	l->get_item = (__typeof__(l->get_item))(uintptr_t)dlsym(so,
	    "pam_get_item");
	l->authenticate = (__typeof__(l->authenticate))(uintptr_t)dlsym(so,
	    "pam_authenticate");
	l->acct_mgmt = (__typeof__(l->acct_mgmt))(uintptr_t)dlsym(so,
	    "pam_acct_mgmt");
	if (l->start == NULL || l->end == NULL || l->set_item == NULL ||
	    l->get_item == NULL || l->authenticate == NULL ||
	    l->acct_mgmt == NULL)
		return fault_temporary(why, 454, 7, 0,
		    "libpam.so.0 lacks a function");
	return 0;
}

/* What PAM says to people goes nowhere; what it wants to know in secret is
 * the password. */
static int
answer(int n, const struct pam_message **said, struct pam_response **out,
    void *secret)
{
	struct pam_response *r;

	if (n <= 0 || n > PAM_MAX_NUM_MSG ||
	    (r = calloc((size_t)n, sizeof(*r))) == NULL)
		return PAM_CONV_ERR;
	for (int i = 0; i < n; i++) {
		bool wanted = said[i]->msg_style == PAM_PROMPT_ECHO_OFF;

		if ((wanted && (r[i].resp = strdup(secret)) != NULL) ||
		    said[i]->msg_style == PAM_TEXT_INFO ||
		    said[i]->msg_style == PAM_ERROR_MSG)
			continue;
		for (; i >= 0; i--)
			free(r[i].resp);
		free(r);
		return PAM_CONV_ERR;
	}
	*out = r;
	return PAM_SUCCESS;
}

/* PAM would have us wait here for as long as it thinks fit, which tells who
 * exists to whoever measures; our caller knows better. */
static void
wait_not(int status, unsigned usec, void *secret)
{
	(void)status;
	(void)usec;
	(void)secret;
}

static int
prepare(const struct library *l, pam_handle_t *pam,
    const struct pam_question *q)
{
	int code = l->set_item(pam, PAM_FAIL_DELAY,
	    (const void *)(uintptr_t)wait_not);

	return code == PAM_SUCCESS && q->host[0] != '\0' ?
	    l->set_item(pam, PAM_RHOST, q->host) : code;
}

/* What the administrator must mend, and what only the user can. */
static int
judge(int code, struct fault *why)
{
	switch (code) {
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_CRED_INSUFFICIENT:
		fault_permanent(why, 535, 7, 8, "authentication failure");
		return 0;
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_PERM_DENIED:
		fault_permanent(why, 535, 7, 8, "account is not valid");
		return 0;
	default:
		return fault_temporary(why, 454, 7, 0, "PAM error %d", code);
	}
}

static int
log_in(const struct library *l, pam_handle_t *pam,
    const struct pam_question *q, struct buf *user, struct fault *why)
{
	const void *name = NULL;
	int code = prepare(l, pam, q);

	if (code == PAM_SUCCESS)
		code = l->authenticate(pam, PAM_SILENT |
		    PAM_DISALLOW_NULL_AUTHTOK);
	if (code == PAM_SUCCESS)
		code = l->acct_mgmt(pam, PAM_SILENT |
		    PAM_DISALLOW_NULL_AUTHTOK);
	if (code == PAM_SUCCESS)
		code = l->get_item(pam, PAM_USER, &name);
	if (code == PAM_SUCCESS && name != NULL) {
		buf_putz(user, name);
		code = l->end(pam, code);
		return 1;
	}
	(void)l->end(pam, code);
	return judge(code, why);
}

int
pam_ask(const struct pam_question *q, struct buf *user, struct fault *why)
{
	struct pam_conv conversation = { answer,
	    (void *)(uintptr_t)q->secret };
	struct library l = { 0 };
	pam_handle_t *pam = NULL;
	int code;

	if (load(&l, why) < 0)
		return -1;
	code = l.start(q->service, q->user, &conversation, &pam);
	if (code != PAM_SUCCESS)
		return fault_temporary(why, 454, 7, 0,
		    "PAM service %s: error %d", q->service, code);
	return log_in(&l, pam, q, user, why);
}

#else

bool
pam_is_there(void)
{
	return false;
}

int
pam_ask(const struct pam_question *q, struct buf *user, struct fault *why)
{
	(void)q;
	(void)user;
	return fault_temporary(why, 454, 7, 0, "built without PAM");
}

#endif
