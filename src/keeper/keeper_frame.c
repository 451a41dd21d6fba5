/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_frame.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include "base/base_env.h"

static apr_uint64_t now_ms(void)
{
    const base_clock_t *clock = base_clock_system();
    return clock->monotonic(clock->baton);
}

apr_uint64_t keeper_deadline(int ms)
{
    return now_ms() + (apr_uint64_t)(ms > 0 ? ms : 0);
}

int keeper_deadline_left(apr_uint64_t deadline)
{
    apr_uint64_t now = now_ms();
    if (now >= deadline)
        return 0;
    return deadline - now < INT_MAX ? (int)(deadline - now) : INT_MAX;
}

/* After EAGAIN. What poll() itself complains of, the next call on the socket will tell. */
static int wait_until(int fd, short events, apr_uint64_t deadline)
{
    struct pollfd waiting = {.fd = fd, .events = events};
    int left;
    while ((left = keeper_deadline_left(deadline)) > 0) {
        int rc = poll(&waiting, 1, left);
        if (rc > 0 || (rc < 0 && errno != EINTR))
            return 1;
    }
    return 0;
}

/* Reads until @a frame holds @a want octets; *len counts those that it holds. */
static keeper_frame_t read_to(int fd, unsigned char *frame, apr_size_t *len, apr_size_t want,
                              apr_uint64_t deadline)
{
    while (*len < want) {
        ssize_t got = recv(fd, frame + *len, want - *len, MSG_DONTWAIT);
        if (got > 0)
            *len += (apr_size_t)got;
        else if (got == 0)
            return *len > 0 ? KEEPER_FRAME_BROKEN : KEEPER_FRAME_END;
        else if (errno != EINTR && errno != EAGAIN)
            return KEEPER_FRAME_BROKEN;
        else if (errno == EAGAIN && !wait_until(fd, POLLIN, deadline))
            return KEEPER_FRAME_LATE;
    }
    return KEEPER_FRAME_WHOLE;
}

keeper_frame_t keeper_frame_read(int fd, unsigned char frame[KEEPER_WIRE_MAX], apr_size_t *len,
                                 apr_uint64_t deadline)
{
    keeper_frame_t outcome;
    apr_size_t whole;
    *len = 0;
    outcome = read_to(fd, frame, len, KEEPER_WIRE_HEADER, deadline);
    if (outcome != KEEPER_FRAME_WHOLE)
        return outcome;
    whole = keeper_frame_length(frame);
    if (whole == 0)
        return KEEPER_FRAME_NONSENSE;
    return read_to(fd, frame, len, whole, deadline);
}

keeper_frame_t keeper_frame_read_word(int fd, unsigned char word[KEEPER_WORD_LEN],
                                      apr_uint64_t deadline)
{
    apr_size_t len = 0;
    return read_to(fd, word, &len, KEEPER_WORD_LEN, deadline);
}

keeper_frame_t keeper_frame_write(int fd, const unsigned char *frame, apr_size_t len,
                                  apr_uint64_t deadline)
{
    apr_size_t done = 0;
    while (done < len) {
        ssize_t put = send(fd, frame + done, len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put >= 0)
            done += (apr_size_t)put;
        else if (errno != EINTR && errno != EAGAIN)
            return KEEPER_FRAME_BROKEN;
        else if (errno == EAGAIN && !wait_until(fd, POLLOUT, deadline))
            return KEEPER_FRAME_LATE;
    }
    return KEEPER_FRAME_WHOLE;
}
