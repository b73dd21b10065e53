/* A mail server that takes everything, counts it, and keeps a sample: the fast far end of the benchmarks.

   sink [-d MS] [-e MS] [-r N] [-k N -o FILE]

   -d  each reply leaves so many milliseconds late, as if the server stood that far away
   -e  the reply to the end of a message so many milliseconds later still
   -r  refuse every n-th RCPT with 550
   -k  keep every n-th message in FILE, as a line "RCPT OCTETS" and the octets, dots still doubled

   Listens on a free port of 127.0.0.1, whose number is its first line. SIGUSR1 prints what was seen so far as
   one line of JSON, SIGTERM too and ends it. Moments are seconds of CLOCK_MONOTONIC, 0 for what never happened:
   `opened` when the first connection was accepted, `first` and `last` when a message was complete. A text that
   breaks off before its final dot is no message (RFC 5321 section 4.1.1.10). */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { READ = 1 << 18, LINE = 2048, REPLY = 160, PENDING = 64, CONNECTIONS = 4096, ADDRESS = 320 };

#define OFFER                                                                                                  \
    "250-sink.invalid\r\n250-PIPELINING\r\n250-SIZE 36700160\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"

struct reply {
    double due;
    size_t length;
    char text[REPLY];
};

struct connection {
    int fd;
    bool mail, text, keeping, leaving;
    char recipient[ADDRESS]; /* empty: no RCPT was accepted */
    char carry[LINE];        /* what came and could not be understood yet */
    size_t carried;
    struct reply replies[PENDING]; /* a ring, in the order in which they must leave */
    unsigned head, count;
    char *kept;
    size_t kept_length, kept_room;
};

static struct connection *connections[CONNECTIONS];
static double reply_delay, end_delay;
static long refuse_every, keep_every;
static FILE *sample;
static long messages, octets, recipients, refused, opened_count, open_now, at_once, waiting;
static double opened, first, last;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void report(void)
{
    struct rusage used;
    if (sample)
        fflush(sample); /* who reads the line below may read the sample */
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
    cpu += (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"messages\": %ld, \"octets\": %ld, \"refused\": %ld, \"connections\": %ld, \"at_once\": %ld, "
           "\"opened\": %.6f, \"first\": %.6f, \"last\": %.6f, \"cpu\": %.6f}\n",
           messages, octets, refused, opened_count, at_once, opened, first, last, cpu);
    fflush(stdout);
}

static void hang_up(struct connection *c)
{
    connections[c->fd] = NULL;
    waiting -= c->count;
    open_now--;
    close(c->fd);
    free(c->kept);
    free(c);
}

static void answer(struct connection *c, const char *text, double late)
{
    if (c->count == PENDING) { /* nobody pipelines that much: not a client this server was made for */
        c->leaving = true;
        return;
    }
    struct reply *r = &c->replies[(c->head + c->count) % PENDING];
    r->due = late > 0 ? now() + late : 0;
    if (c->count && c->replies[(c->head + c->count - 1) % PENDING].due > r->due)
        r->due = c->replies[(c->head + c->count - 1) % PENDING].due;
    r->length = strlen(text);
    memcpy(r->text, text, r->length);
    c->count++;
    waiting++;
}

/* Write all replies that are due in one go; a client that is gone or has taken leave is hung up on. */
static void flush(struct connection *c, double moment)
{
    char out[PENDING * REPLY];
    size_t length = 0;
    while (c->count && c->replies[c->head].due <= moment) {
        struct reply *r = &c->replies[c->head];
        memcpy(out + length, r->text, r->length);
        length += r->length;
        c->head = (c->head + 1) % PENDING;
        c->count--;
        waiting--;
    }
    bool written = !length || send(c->fd, out, length, MSG_NOSIGNAL) == (ssize_t)length;
    if (!written || (c->leaving && !c->count))
        hang_up(c);
}

/* Write what has become due meanwhile; looked for every half millisecond at most. */
static void flush_late(void)
{
    static double looked;
    double moment = now();
    if (moment - looked < 0.0005)
        return;
    looked = moment;
    for (int fd = 0; waiting && fd < CONNECTIONS; fd++)
        if (connections[fd] && connections[fd]->count)
            flush(connections[fd], moment);
}

static void keep(struct connection *c, const char *data, size_t length)
{
    if (c->kept_length + length > c->kept_room) {
        c->kept_room = 2 * (c->kept_length + length);
        c->kept = realloc(c->kept, c->kept_room);
        if (!c->kept)
            die("realloc");
    }
    memcpy(c->kept + c->kept_length, data, length);
    c->kept_length += length;
}

static void take(struct connection *c)
{
    last = now();
    if (!messages++)
        first = last;
    if (c->keeping) { /* the text begins with the CRLF of the DATA line */
        fprintf(sample, "%s %zu\n", c->recipient, c->kept_length - 2);
        fwrite(c->kept + 2, 1, c->kept_length - 2, sample);
    }
    c->text = c->mail = c->keeping = false;
    c->recipient[0] = 0;
    answer(c, "250 2.0.0 taken\r\n", reply_delay + end_delay);
}

/* Where CRLF, dot, CRLF stands. Eight times as fast as memmem of the five: few lines hold a dot. */
static const char *end_of_text(const char *data, size_t length)
{
    const char *end = data + length, *dot = data + 2;
    for (; end - dot > 2 && (dot = memchr(dot, '.', end - dot - 2)); dot++)
        if (!memcmp(dot - 2, "\r\n.\r\n", 5))
            return dot - 2;
    return NULL;
}

/* How much of the text was understood; only a dot on a line of its own ends it. */
static size_t read_text(struct connection *c, const char *data, size_t length)
{
    const char *end = end_of_text(data, length);
    size_t text = end ? (size_t)(end - data) + 2 : length > 4 ? length - 4 : 0;
    if (c->keeping && text)
        keep(c, data, text);
    octets += text - (end ? 2 : 0); /* the first CRLF was that of the DATA line */
    if (end)
        take(c);
    return end ? text + 3 : text;
}

static void recipient(struct connection *c, const char *line, size_t length)
{
    const char *from = memchr(line, '<', length);
    const char *to = from ? memchr(from, '>', length - (from - line)) : NULL;
    if (!c->mail || !to || to == from + 1 || to - from > ADDRESS)
        answer(c, c->mail ? "501 5.1.3 no address\r\n" : "503 5.5.1 MAIL first\r\n", reply_delay);
    else if (refuse_every && ++recipients % refuse_every == 0) {
        refused++;
        answer(c, "550 5.1.1 no such reader\r\n", reply_delay);
    } else {
        memcpy(c->recipient, from + 1, to - from - 1);
        c->recipient[to - from - 1] = 0;
        answer(c, "250 2.1.5 ok\r\n", reply_delay);
    }
}

static void command(struct connection *c, const char *line, size_t length)
{
#define IS(word) (length >= sizeof word - 1 && !strncasecmp(line, word, sizeof word - 1))
    if (IS("MAIL FROM:")) {
        answer(c, c->mail ? "503 5.5.1 MAIL already\r\n" : "250 2.1.0 ok\r\n", reply_delay);
        c->mail = true;
    } else if (IS("RCPT TO:")) {
        recipient(c, line, length);
    } else if (IS("DATA")) {
        if (c->recipient[0]) {
            c->text = true;
            c->keeping = keep_every && messages % keep_every == 0;
            c->kept_length = 0;
            answer(c, "354 go on\r\n", reply_delay);
        } else
            answer(c, "554 5.5.1 no recipient\r\n", reply_delay);
    } else if (IS("RSET") || IS("HELO") || IS("EHLO")) {
        c->mail = false;
        c->recipient[0] = 0;
        answer(c, IS("EHLO") ? OFFER : "250 2.0.0 ok\r\n", reply_delay);
    } else if (IS("NOOP")) {
        answer(c, "250 2.0.0 ok\r\n", reply_delay);
    } else if (IS("QUIT")) {
        answer(c, "221 2.0.0 bye\r\n", reply_delay);
        c->leaving = true;
    } else
        answer(c, "502 5.5.1 no such command\r\n", reply_delay);
}

/* Read once, understand all that is whole, carry the rest over. */
static void listen_to(struct connection *c)
{
    static char data[LINE + READ];
    memcpy(data, c->carry, c->carried);
    ssize_t came = recv(c->fd, data + c->carried, READ, 0);
    if (came <= 0) {
        hang_up(c);
        return;
    }
    size_t length = c->carried + came, done = 0;
    while (done < length && !c->leaving) {
        if (c->text) {
            done += read_text(c, data + done, length - done);
            if (c->text)
                break;
            continue;
        }
        const char *end = memmem(data + done, length - done, "\r\n", 2);
        if (!end)
            break;
        size_t line = end - (data + done);
        command(c, data + done, line);
        done += c->text ? line : line + 2;
    }
    c->carried = c->leaving ? 0 : length - done;
    if (c->carried <= LINE) {
        memcpy(c->carry, data + done, c->carried);
        flush(c, 0);
    } else
        hang_up(c);
}

static void welcome(int listener, int epoll)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0 || fd >= CONNECTIONS)
        return; /* and whoever is one too many waits for ever */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = connections[fd] = calloc(1, sizeof *c);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (!c || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        die("a new connection");
    c->fd = fd;
    if (!opened_count++)
        opened = now();
    if (++open_now > at_once)
        at_once = open_now;
    answer(c, "220 sink.invalid ESMTP\r\n", reply_delay);
    flush(c, 0);
}

static void serve(int listener, int signals)
{
    struct epoll_event events[256], event = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    for (int i = 0; i < 2; i++) {
        event.data.fd = i ? signals : listener;
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event))
            die("epoll_ctl");
    }
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, waiting ? 1 : -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                welcome(listener, epoll);
            else if (fd == signals) {
                struct signalfd_siginfo info;
                if (read(signals, &info, sizeof info) != sizeof info)
                    die("signalfd");
                report();
                if (info.ssi_signo == SIGTERM)
                    return;
            } else if (connections[fd])
                listen_to(connections[fd]);
        }
        if (waiting)
            flush_late();
    }
}

int main(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "d:e:r:k:o:")) != -1;) {
        if (option == 'd')
            reply_delay = atof(optarg) / 1000;
        else if (option == 'e')
            end_delay = atof(optarg) / 1000;
        else if (option == 'r')
            refuse_every = atol(optarg);
        else if (option == 'k')
            keep_every = atol(optarg);
        else if (option != 'o' || !(sample = fopen(optarg, "w")))
            die(optarg ? optarg : "usage");
    }
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGUSR1);
    sigaddset(&asked, SIGTERM);
    sigprocmask(SIG_BLOCK, &asked, NULL);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&here, size) || listen(listener, 1024) ||
        getsockname(listener, (struct sockaddr *)&here, &size))
        die("a port");
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    serve(listener, signalfd(-1, &asked, 0));
    return 0;
}
