/* page - one page of a PDF file as text in reading order.
 *
 * Poppler gives three views of a page, which agree character by character:
 *
 *     text        T h e _ w o r d \n ...      U+202A..202E are extra, not counted
 *     rectangles  one for each character, origin at the top left, in points
 *     attributes  runs of characters of one font, size and colour
 *
 * The text alone is not enough. Pieces that stand side by side on a row, a clause
 * number and its clause, follow each other without a space ("1.1The"); paragraphs
 * follow each other like lines. So a space is put where two characters lie apart,
 * and a blank line where two lines are further apart than lines of this page are.
 *
 * Hidden is what the attributes betray, a size below the request's or a place over the
 * edge; else what a look for ink says (ink.c); and where nobody looked, letters in the
 * page's own colour, taken to be white. */
#include "ingest/page.h"

#include "ingest/field.h"
#include "ingest/ink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the larger side of a character: what parts words, what parts columns' rows. */
static const double word_gap = 0.15;
/* Of the usual distance of two lines on this page: what parts paragraphs. */
static const double paragraph_pitch = 1.3;
/* A page sets words over line ends when at least one line in so many does. */
enum { LINES_A_HYPHEN = 16, WHITE_LEAST = 250 * 257 };

struct glance {    /* one pass over the page, before it is read */
    double *pitch; /* from each line to the next, in points */
    size_t pitches, lines, hyphens;
};

struct view {
    const char *at, *end; /* what is left of the text */
    const struct leaf_box *box;
    const struct leaf_run *run; /* that holds the character at index, or comes next */
    size_t boxes, runs, index;
    const uint8_t *ink; /* of each box, enum text_why; NULL when nobody looked */
    enum text_why why;
    double tiny_points, width, height;
};

static bool is_arranger(uint32_t c)
{
    return c >= 0x202A && c <= 0x202E;
}

static const struct leaf_box *box_at(const struct view *view, size_t index)
{
    static const struct leaf_box nowhere;

    return index < view->boxes ? &view->box[index] : &nowhere;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double side(const struct leaf_box *box)
{
    return larger(fabs(box->x2 - box->x1), fabs(box->y2 - box->y1));
}

/* How far two boxes lie apart, along the axis where they do; negative if nowhere. */
static double apart(const struct leaf_box *a, const struct leaf_box *b)
{
    double x = larger(b->x1 - a->x2, a->x1 - b->x2);
    double y = larger(b->y1 - a->y2, a->y1 - b->y2);

    return larger(x, y);
}

/* From the line of a to the line of b, whichever way the page is turned. */
static double pitch(const struct leaf_box *a, const struct leaf_box *b)
{
    return fabs(b->y2 - a->y2);
}

/* ---- a first glance -----------------------------------------------------------------
 */

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static void glance_line_end(struct glance *glance, const struct view *view,
                            const char *start, const char *feed, size_t index)
{
    glance->lines++;
    if (index > 0)
        glance->pitch[glance->pitches++] =
            pitch(box_at(view, index - 1), box_at(view, index + 1));
    if (feed - start >= 2 && feed[-1] == '-' && is_small(feed[-2]) &&
        feed + 1 < view->end && is_small(feed[1]))
        glance->hyphens++;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The distance of lines that is usual on the page, 0 when there is none, and how
 * hyphens at their ends are to be read. */
static double page_glance(const struct view *view, enum text_hyphens *hyphens)
{
    struct glance glance = {.pitch = malloc((view->boxes + 1) * sizeof(double))};
    const char *start = view->at;
    double usual = 0;
    size_t index = 0;

    for (const char *at = start; glance.pitch && at < view->end; index++) {
        const char *from = at;
        uint32_t c = text_decode(&at, view->end);
        if (is_arranger(c))
            index--;
        else if (c == '\n' && index < view->boxes)
            glance_line_end(&glance, view, start, from, index);
    }
    if (glance.pitches > 0) {
        qsort(glance.pitch, glance.pitches, sizeof *glance.pitch, compare_doubles);
        usual = glance.pitch[glance.pitches / 2];
    }
    *hyphens = glance.hyphens * LINES_A_HYPHEN >= glance.lines && glance.hyphens > 0
                   ? TEXT_HYPHENS_DROP
                   : TEXT_HYPHENS_KEEP;
    free(glance.pitch);
    return usual;
}

/* ---- the page, character by character -----------------------------------------------
 */

static bool is_off_page(double width, double height, const struct leaf_box *box)
{
    double x = (box->x1 + box->x2) / 2, y = (box->y1 + box->y2) / 2;

    return x < 0 || y < 0 || x > width || y > height;
}

static enum text_why run_why(const struct view *view, const struct leaf_run *run)
{
    if (run->points < view->tiny_points)
        return TEXT_TINY;
    if (is_off_page(view->width, view->height, box_at(view, view->index)))
        return TEXT_OFF_PAGE;
    if (view->ink)
        return view->index < view->boxes ? view->ink[view->index] : TEXT_VISIBLE;
    if (run->red >= WHITE_LEAST && run->green >= WHITE_LEAST &&
        run->blue >= WHITE_LEAST)
        return TEXT_BACKGROUND;
    return TEXT_VISIBLE;
}

static void find_run(struct view *view)
{
    while (view->runs > 0 && view->run->last < view->index) {
        view->run++;
        view->runs--;
    }
    view->why = view->runs > 0 && view->run->first <= view->index
                    ? run_why(view, view->run)
                    : TEXT_VISIBLE;
}

static bool is_space(uint32_t c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == 0xA0;
}

/* Poppler turns words of these scripts round, but not their boxes. */
static bool runs_left(uint32_t c)
{
    return (c >= 0x590 && c <= 0x8FF) || (c >= 0xFB1D && c <= 0xFEFC);
}

/* The white space that the boxes ask for between the character before and c; or "". */
static const char *find_gap(const struct view *view, uint32_t before, uint32_t c,
                            double usual)
{
    const struct leaf_box *a, *b = box_at(view, view->index);

    if (view->index == 0)
        return "";
    if (before == '\n') {
        a = box_at(view, view->index < 2 ? 0 : view->index - 2);
        return usual > 0 && pitch(a, b) > paragraph_pitch * usual ? "\n" : "";
    }
    if (is_space(before) || is_space(c) || runs_left(before) || runs_left(c))
        return "";
    a = box_at(view, view->index - 1);
    return apart(a, b) > word_gap * larger(side(a), side(b)) ? " " : "";
}

/* Characters go on in stretches that nothing interrupts: no gap, no other reason to
 * be hidden, no character that is left out. */
static void add_characters(struct view *view, double usual, struct text *text)
{
    const char *start = view->at, *from;
    enum text_why why = TEXT_VISIBLE;
    uint32_t before = '\n';

    while ((from = view->at) < view->end) {
        uint32_t c = text_decode(&view->at, view->end);
        bool skip = is_arranger(c);
        const char *gap = "";
        if (!skip) {
            find_run(view);
            gap = find_gap(view, before, c, usual);
            before = c;
            view->index++;
        }
        if (!skip && !*gap && view->why == why)
            continue;
        text_add(text, start, (size_t)(from - start), why);
        text_add(text, gap, strlen(gap), TEXT_VISIBLE);
        start = skip ? view->at : from;
        why = view->why;
    }
    text_add(text, start, (size_t)(view->end - start), why);
}

/* ---- Poppler's views
 * ------------------------------------------------------------------ */

/* Letters from U+0590 to U+07FF, or the embedding that Poppler puts around words which
 * run from right to left; or nothing at all. */
static bool may_run_left(const char *utf8)
{
    static const char embedding[] = "\xE2\x80\xAB"; /* U+202B */
    bool is_empty = utf8[0] == '\0';

    if (strstr(utf8, embedding))
        return true;
    for (; *utf8; utf8++)
        if ((uint8_t)*utf8 >= 0xD6 && (uint8_t)*utf8 <= 0xDF)
            return true;
    return is_empty;
}

/* On a page written from right to left a selection that starts on the left loses the
 * better part of its first and last line. Which page is one Poppler does not tell; the
 * selection that holds more is the whole page. */
static char *select_page(const struct leaf *leaf, enum leaf_start *start)
{
    char *text, *mirrored;

    *start = LEAF_FROM_LEFT;
    text = leaf_select(leaf, LEAF_FROM_LEFT);
    if (text && !may_run_left(text))
        return text;
    mirrored = leaf_select(leaf, LEAF_FROM_RIGHT);
    if (!mirrored || (text && strlen(mirrored) <= strlen(text))) {
        free(mirrored);
        return text;
    }
    free(text);
    *start = LEAF_FROM_RIGHT;
    return mirrored;
}

struct views {
    const struct leaf *leaf;
    char *utf8;
    struct leaf_layout layout;
};

static void views_take(struct views *views, const struct leaf *leaf)
{
    enum leaf_start start;

    ink_watch();
    views->leaf = leaf;
    views->utf8 = select_page(leaf, &start);
    leaf_read_layout(leaf, start, &views->layout);
}

static void views_free(struct views *views)
{
    free(views->layout.box);
    free(views->layout.run);
    free(views->utf8);
}

/* More was drawn than there is: the same in the same place, as a rule, for a heavier
 * letter or its shadow; or what is beside the page. */
static bool lacks_letters(const struct views *views)
{
    size_t white = 0;

    for (const char *at = views->utf8; at && *at; at++)
        white += *at == ' ' || *at == '\n';
    return leaf_drawn(views->leaf) + white > views->layout.boxes;
}

static bool shows_beside(const struct views *views)
{
    double width, height;

    leaf_size(views->leaf, &width, &height);
    for (size_t i = 0; i < views->layout.boxes; i++)
        if (is_off_page(width, height, &views->layout.box[i]))
            return true;
    return false;
}

/* Take what is beside the page as well, if there is something; the leaf that has it is
 * the caller's to close. */
static struct leaf *views_widen(struct views *views, const struct page_order *order)
{
    struct views wider = {0};
    struct leaf *leaf = order->open_beside && lacks_letters(views)
                            ? order->open_beside(order->arg)
                            : NULL;

    if (!leaf)
        return NULL;
    views_take(&wider, leaf);
    if (shows_beside(&wider)) {
        views_free(views);
        *views = wider;
        return leaf;
    }
    views_free(&wider);
    leaf_close(leaf);
    return NULL;
}

/* What a look says of each box; NULL without one. */
static uint8_t *look(const struct views *views, const struct page_order *order,
                     bool *failed)
{
    *failed = false;
    if (!ink_wanted(order->ink, &views->layout))
        return NULL;
    if (order->before_look)
        order->before_look(order->arg);
    uint8_t *ink =
        ink_look(views->leaf, views->utf8 ? views->utf8 : "", &views->layout);
    *failed = !ink;
    return ink;
}

bool page_read(const struct leaf *leaf, const struct page_order *order,
               struct text *text)
{
    struct views views = {0};
    enum text_hyphens hyphens;
    bool look_failed;

    views_take(&views, leaf);
    struct leaf *wider = views_widen(&views, order);
    uint8_t *ink = look(&views, order, &look_failed);
    struct view view = {
        .at = views.utf8 ? views.utf8 : "",
        .box = views.layout.box,
        .boxes = views.layout.boxes,
        .run = views.layout.run,
        .runs = views.layout.runs,
        .ink = ink,
        .tiny_points = order->tiny_points,
    };
    leaf_size(leaf, &view.width, &view.height);
    view.end = view.at + strlen(view.at);
    double usual = page_glance(&view, &hyphens);
    text_start(text, hyphens, order->bytes_max);
    add_characters(&view, usual, text);
    field_read(leaf, text);
    text_finish(text);
    free(ink);
    views_free(&views);
    leaf_close(wider);
    return !look_failed;
}
