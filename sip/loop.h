/*
 * sip/loop.h - sofia-sip as a guest in the libuv loop. For the files of sip/
 * only.
 *
 * Sofia's own loop (su_root) is stepped from a prepare handle; its epoll
 * descriptor is polled, and one uv_timer wakes us for its timers. No thread,
 * no queue, no wakeup while idle.
 */
#ifndef LF_SIP_LOOP_H
#define LF_SIP_LOOP_H

#include <stdbool.h>
#include <uv.h>

#include <sofia-sip/su_wait.h>

struct lf_sip_loop {
	su_root_t *root;
	uv_poll_t poll;
	uv_prepare_t prepare;
	uv_timer_t timer;
	uv_handle_t *guest;         /* closed with the rest; NULL: none */
	void (*on_turn)(void *arg); /* after each stepping of sofia */
	void *turn_arg;
	unsigned open_handles;
	bool is_closing;
	void (*closed)(void *arg);
	void *arg;
};

int lf_sip_loop_open(struct lf_sip_loop *sl, uv_loop_t *loop,
		     void (*on_turn)(void *arg), void *arg);
void lf_sip_loop_guest(struct lf_sip_loop *sl, uv_handle_t *handle);

/*
 * Stops stepping at once. When the handles are gone `closed` is called, from
 * the loop and never from inside sofia: the place to destroy the agent, then
 * call lf_sip_loop_done().
 */
void lf_sip_loop_close(struct lf_sip_loop *sl, void (*closed)(void *arg),
		       void *arg);
void lf_sip_loop_done(struct lf_sip_loop *sl);

#endif
