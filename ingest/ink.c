/* ink - do letters leave ink where the text of a page says that they stand?
 *
 * A reader of the page sees its picture, a program its text, and the two need not
 * agree. The page is rendered twice, once without its letters, and the two pictures
 * are compared at the box of each character:
 *
 *     with letters      without         difference
 *     +-----------+   +-----------+   +-----------+
 *     | white  .. |   |        .. |   | #####     |   white is seen, on its dark ground
 *     | on dark.. |   |        .. |   |           |   the other letters, white as the
 *     +-----------+   +-----------+   +-----------+   page or covered, are not
 *
 * A word of which less than a quarter of the letters and digits differ by more than
 * an eye would notice is hidden; what stands between words follows the word before.
 * Why it is hidden follows from the ground it stands on and from what the page's
 * program did (paint.c):
 *
 *     background   the ground is even and of the letters' own colour
 *     covered      areas or pictures were painted after letters
 *     invisible    nothing is painted: rendering modes 3 and 7, full transparency, a
 *                  font of empty letters, letters cut off by a clipping path
 *     ocr_layer    most of the page's letters leave no ink, and the ground shows some
 *                  in their place: a scanned page and what was recognised on it
 *
 * The pictures have one pixel a point, and fewer where the page is large. Nothing is
 * judged that is smaller than two pixels, nor what is set in a font that is neither
 * in the document nor replaced (CID fonts): Poppler says that it has none, by name.
 * A page is worth a look only when something on it can hide letters; what that is was
 * noted while its text was read. */
#include "ingest/ink.h"

#include "ingest/book_glib.h"
#include "ingest/paint.h"
#include "ingest/typeface.h"

#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

enum {
    PIXELS_MAX = 1500 * 1000,
    SIDE_MAX = 4000,
    BOX_PIXELS_MIN = 1,
    WORD_LEAST = 2,   /* letters and digits that are judged on their own */
    INK_LEAST = 10,   /* of 255, in any colour */
    SAME_COLOUR = 24, /* as far as the reason goes */
    UNEVEN_MOST = 256,
    SHOWS_LETTERS = 64, /* from the darkest to the lightest pixel of a ground */
    LIGHT_LEAST = 200,  /* likewise, for a page to be worth a look */
    LOST_FONTS_MAX = 16,
    FONT_NAME_BYTES = 128
};

struct picture {
    const uint8_t *pixels;
    int stride;
};

struct ground { /* below a word, without its letters */
    uint8_t least[3], most[3];
};

struct word {
    size_t first, end; /* boxes */
    size_t judged, inked, covered;
    struct ground ground;
    uint16_t colour[3];
};

struct look {
    const struct leaf *leaf;
    const struct leaf_layout *layout;
    struct picture with, without, bare; /* of letters; of covers */
    int width, height;
    double scale;      /* pixels a point */
    unsigned textures; /* in the picture made last */
    uint8_t *why; /* of each box; while looking, whether it is a sign to be judged */
    struct word *word;
    size_t words;
    char lost[LOST_FONTS_MAX][FONT_NAME_BYTES]; /* fonts that Poppler cannot have */
    size_t lost_fonts;
    bool lost_many;
};

static struct paint_seen seen;

/* ---- worth a look -------------------------------------------------------------------
 */

void ink_warm(void)
{
    typeface_warm();
}

void ink_watch(void)
{
    paint_watch(&seen);
}

/* On a page without areas and pictures only they can be of the colour of the ground. */
static bool is_light(const struct leaf_run *run)
{
    return run->red >= LIGHT_LEAST * 257 && run->green >= LIGHT_LEAST * 257 &&
           run->blue >= LIGHT_LEAST * 257;
}

static bool has_light_letters(const struct leaf_layout *layout)
{
    for (size_t i = 0; i < layout->runs; i++)
        if (is_light(&layout->run[i]))
            return true;
    return false;
}

bool ink_wanted(enum ingest_ink when, const struct leaf_layout *layout)
{
    if (when == INGEST_INK_NEVER || layout->boxes == 0)
        return false;
    return when == INGEST_INK_ALWAYS || !paint_watches() ||
           seen.modes + seen.states_after + seen.fills_before + seen.fills_after +
                   seen.pictures + seen.clipped >
               0 ||
           has_light_letters(layout);
}

/* ---- two pictures -------------------------------------------------------------------
 */

static void hear(const char *domain, GLogLevelFlags level, const char *message,
                 void *arg)
{
    static const char words[] = "find a font for '";
    const char *name = strstr(message, words);
    struct look *look = arg;

    (void)domain;
    (void)level;
    if (!name)
        return;
    name += sizeof words - 1;
    size_t bytes = strlen(name);
    if (bytes > 0 && name[bytes - 1] == '\'')
        bytes--;
    for (size_t i = 0; i < look->lost_fonts; i++)
        if (strncmp(look->lost[i], name, bytes) == 0 && look->lost[i][bytes] == '\0')
            return;
    look->lost_many |= look->lost_fonts == LOST_FONTS_MAX || bytes >= FONT_NAME_BYTES;
    if (!look->lost_many) {
        memcpy(look->lost[look->lost_fonts], name, bytes);
        look->lost[look->lost_fonts++][bytes] = '\0';
    }
}

/* Most pages of a document have the same size; the last surface of each kind is kept
 * until the process ends. */
static cairo_surface_t *surface_for(const struct look *look, enum paint_part part)
{
    static cairo_surface_t *kept[PAINT_PARTS];

    if (!kept[part] || cairo_image_surface_get_width(kept[part]) != look->width ||
        cairo_image_surface_get_height(kept[part]) != look->height) {
        cairo_surface_destroy(kept[part]);
        kept[part] =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, look->width, look->height);
    }
    return kept[part];
}

static bool render(struct look *look, enum paint_part part, struct picture *picture)
{
    cairo_surface_t *surface = surface_for(look, part);
    cairo_t *cairo = cairo_create(surface);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_scale(cairo, look->scale, look->scale);
    paint_only(part);
    poppler_page_render(leaf_poppler(look->leaf), cairo);
    look->textures = paint_textures();
    paint_only(PAINT_ALL);
    bool is_good = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    picture->pixels = cairo_image_surface_get_data(surface);
    picture->stride = cairo_image_surface_get_stride(surface);
    return is_good && picture->pixels;
}

static bool measure(struct look *look)
{
    double width, height;

    leaf_size(look->leaf, &width, &height);
    if (!(width >= 1 && height >= 1))
        return false;
    look->scale = fmin(
        1, fmin(SIDE_MAX / fmax(width, height), sqrt(PIXELS_MAX / (width * height))));
    look->width = (int)ceil(width * look->scale);
    look->height = (int)ceil(height * look->scale);
    return true;
}

/* ---- boxes --------------------------------------------------------------------------
 */

struct area { /* of pixels, half-open */
    int x1, y1, x2, y2;
};

static int clamp(double value, int most)
{
    return value <= 0 ? 0 : value >= most ? most : (int)value;
}

/* The inner four fifths: what stands above and below reaches into the rest. False when
 * the box is too small for a judgement. */
static bool area_of(const struct look *look, const struct leaf_box *box,
                    struct area *area)
{
    double scale = look->scale;
    double x1 = fmin(box->x1, box->x2) * scale, x2 = fmax(box->x1, box->x2) * scale;
    double y1 = fmin(box->y1, box->y2) * scale, y2 = fmax(box->y1, box->y2) * scale;
    double across = (x2 - x1) / 10, up = (y2 - y1) / 10;

    *area = (struct area){
        .x1 = clamp(floor(x1 + across), look->width),
        .y1 = clamp(floor(y1 + up), look->height),
        .x2 = clamp(ceil(x2 - across), look->width),
        .y2 = clamp(ceil(y2 - up), look->height),
    };
    return fmin(x2 - x1, y2 - y1) >= BOX_PIXELS_MIN && area->x1 < area->x2 &&
           area->y1 < area->y2;
}

static const uint8_t *pixel(const struct picture *picture, int x, int y)
{
    return picture->pixels + (ptrdiff_t)y * picture->stride + (ptrdiff_t)x * 4;
}

static bool differs(const struct picture *one, const struct picture *other,
                    const struct area *area)
{
    for (int y = area->y1; y < area->y2; y++) {
        const uint8_t *a = pixel(one, 0, y), *b = pixel(other, 0, y);
        for (int i = 4 * area->x1; i < 4 * area->x2; i++)
            if (i % 4 != 3 && abs(a[i] - b[i]) >= INK_LEAST)
                return true;
    }
    return false;
}

static int unevenness(const struct ground *ground)
{
    int most = 0;

    for (int i = 0; i < 3; i++)
        if (ground->most[i] - ground->least[i] > most)
            most = ground->most[i] - ground->least[i];
    return most;
}

/* The range of each colour grows over the area; not further than to most_uneven. */
static void see_ground(const struct picture *picture, const struct area *area,
                       int most_uneven, struct ground *ground)
{
    for (int y = area->y1; y < area->y2 && unevenness(ground) < most_uneven; y++)
        for (int x = area->x1; x < area->x2; x++) {
            const uint8_t *colour = pixel(picture, x, y);
            for (int i = 0; i < 3; i++) {
                if (colour[i] < ground->least[i])
                    ground->least[i] = colour[i];
                if (colour[i] > ground->most[i])
                    ground->most[i] = colour[i];
            }
        }
}

/* ---- words --------------------------------------------------------------------------
 */

static bool is_white(uint32_t c)
{
    return c <= ' ' || c == 0xA0 || u_isUWhiteSpace((UChar32)c);
}

static struct word *begin_word(struct look *look, size_t first)
{
    struct word *word = &look->word[look->words++];

    *word = (struct word){.first = first, .end = first};
    return word;
}

/* A letter on its own joins what follows on its line: boxes of vertical writing, where
 * each is a line, do not lie where the letters do. */
static void find_words(struct look *look, const char *utf8)
{
    const char *end = utf8 + strlen(utf8);
    struct word *word = NULL;

    for (size_t index = 0; utf8 < end && index < look->layout->boxes;) {
        struct area area;
        uint32_t c = text_decode(&utf8, end);
        if (c >= 0x202A && c <= 0x202E)
            continue;
        bool is_sign =
            u_isalnum((UChar32)c) && area_of(look, &look->layout->box[index], &area);
        if (c == '\n' || (is_white(c) && word && word->judged >= WORD_LEAST))
            word = NULL;
        else if (!is_white(c) && !word)
            word = begin_word(look, index);
        if (word && !is_white(c))
            word->end = index + 1;
        if (word)
            word->judged += is_sign;
        look->why[index] = is_sign;
        index++;
    }
}

static bool is_seen(const struct word *word)
{
    return word->inked * 4 >= word->judged;
}

/* Call see() for the letters and digits of word that are large enough, until the word
 * is known to be seen. */
static void each_sign(const struct look *look, struct word *word,
                      void (*see)(const struct look *look, struct word *word,
                                  const struct area *area))
{
    struct area area;

    for (size_t i = word->first; i < word->end && !is_seen(word); i++)
        if (look->why[i] && area_of(look, &look->layout->box[i], &area))
            see(look, word, &area);
}

static const struct ground unseen = {.least = {255, 255, 255}};

static void see_contrast(const struct look *look, struct word *word,
                         const struct area *area)
{
    struct ground ground = unseen;

    see_ground(&look->with, area, SHOWS_LETTERS, &ground);
    word->inked += unevenness(&ground) >= SHOWS_LETTERS;
}

static void see_difference(const struct look *look, struct word *word,
                           const struct area *area)
{
    word->inked += differs(&look->with, &look->without, area);
    see_ground(&look->without, area, UNEVEN_MOST, &word->ground);
}

static void see_cover(const struct look *look, struct word *word,
                      const struct area *area)
{
    struct ground ground = unseen;

    see_ground(&look->bare, area, SHOWS_LETTERS, &ground);
    word->covered += unevenness(&ground) >= SHOWS_LETTERS;
}

static bool is_hidden(const struct word *word)
{
    return word->judged >= WORD_LEAST && !is_seen(word);
}

static size_t hidden_words(const struct look *look)
{
    size_t count = 0;

    for (size_t i = 0; i < look->words; i++)
        count += is_hidden(&look->word[i]);
    return count;
}

static void judge_words(struct look *look,
                        void (*see)(const struct look *look, struct word *word,
                                    const struct area *area))
{
    for (size_t i = 0; i < look->words; i++) {
        look->word[i].inked = 0;
        look->word[i].ground = unseen;
        each_sign(look, &look->word[i], see);
    }
}

/* One picture is enough where nothing but letters is likely to be uneven inside a box,
 * unless a word seems to be missing. */
static bool compare(struct look *look)
{
    if (!render(look, PAINT_ALL, &look->with))
        return false;
    if (paint_watches() && look->textures == 0 && seen.modes == 0) {
        judge_words(look, see_contrast);
        if (hidden_words(look) == 0)
            return true;
    }
    if (!render(look, PAINT_NO_LETTERS, &look->without))
        return false;
    judge_words(look, see_difference);
    return true;
}

/* Without what was painted over it, a covered word is there. */
static bool uncover(struct look *look)
{
    if (hidden_words(look) == 0 || seen.fills_after + seen.pictures_after == 0)
        return true;
    if (!render(look, PAINT_NO_COVERS, &look->bare))
        return false;
    for (size_t i = 0; i < look->words; i++)
        if (is_hidden(&look->word[i]))
            each_sign(look, &look->word[i], see_cover);
    return true;
}

/* ---- fonts --------------------------------------------------------------------------
 */

static bool is_lost(const struct look *look, const char *font)
{
    for (size_t i = 0; i < look->lost_fonts; i++)
        if (strcmp(look->lost[i], font) == 0)
            return true;
    return false;
}

/* Words in fonts that are not there cannot be judged. */
static void spare_lost_fonts(struct look *look)
{
    GList *runs = poppler_page_get_text_attributes(leaf_poppler(look->leaf));
    struct word *word = look->word, *end = look->word + look->words;

    for (const GList *at = runs; at; at = at->next) {
        const PopplerTextAttributes *run = at->data;
        bool lost = !run->font_name || is_lost(look, run->font_name);
        for (; word < end && word->first <= (size_t)run->end_index; word++)
            if (lost)
                word->judged = 0;
    }
    poppler_page_free_text_attributes(runs);
}

/* ---- why ----------------------------------------------------------------------------
 */

static void colour_words(struct look *look)
{
    const struct leaf_layout *layout = look->layout;
    size_t run = 0;

    for (size_t i = 0; i < look->words; i++) {
        struct word *word = &look->word[i];
        while (run < layout->runs && layout->run[run].last < word->first)
            run++;
        if (run == layout->runs)
            return;
        word->colour[0] = layout->run[run].blue; /* as cairo's pixels on our CPUs */
        word->colour[1] = layout->run[run].green;
        word->colour[2] = layout->run[run].red;
    }
}

static bool is_of_its_ground(const struct word *word)
{
    for (int i = 0; i < 3; i++) {
        int colour = word->colour[i] / 257;
        if (abs(colour - word->ground.least[i]) > SAME_COLOUR ||
            abs(colour - word->ground.most[i]) > SAME_COLOUR)
            return false;
    }
    return true;
}

static enum text_why reason(const struct word *word, bool is_scan)
{
    if (is_scan && unevenness(&word->ground) >= SHOWS_LETTERS)
        return TEXT_OCR_LAYER;
    if (word->covered * 2 > word->judged)
        return TEXT_COVERED;
    return is_of_its_ground(word) ? TEXT_BACKGROUND : TEXT_INVISIBLE;
}

/* Four fifths of the letters without ink, and of these four fifths over some. */
static bool shows_scan(const struct look *look)
{
    size_t all = 0, hidden = 0, over_ink = 0;

    for (size_t i = 0; i < look->words; i++) {
        const struct word *word = &look->word[i];
        all += word->judged;
        if (is_hidden(word)) {
            hidden += word->judged;
            if (unevenness(&word->ground) >= SHOWS_LETTERS)
                over_ink += word->judged;
        }
    }
    return hidden * 5 >= all * 4 && over_ink * 5 >= hidden * 4;
}

static void decide(struct look *look)
{
    bool is_scan = shows_scan(look);
    enum text_why why = TEXT_VISIBLE;

    memset(look->why, TEXT_VISIBLE, look->layout->boxes);
    for (size_t i = 0; i < look->words; i++) {
        const struct word *word = &look->word[i];
        if (word->judged >= WORD_LEAST)
            why = is_hidden(word) ? reason(word, is_scan) : TEXT_VISIBLE;
        memset(look->why + word->first, (int)why, word->end - word->first);
    }
}

static bool look_at(struct look *look, const char *utf8)
{
    guint handler =
        g_log_set_handler("Poppler", (GLogLevelFlags)G_LOG_LEVEL_MASK, hear, look);
    find_words(look, utf8);
    bool is_done = compare(look) && uncover(look);
    g_log_remove_handler("Poppler", handler);
    if (!is_done)
        return false;
    if (look->lost_fonts > 0)
        spare_lost_fonts(look);
    colour_words(look);
    decide(look);
    return true;
}

uint8_t *ink_look(const struct leaf *leaf, const char *utf8,
                  const struct leaf_layout *layout)
{
    static struct look look; /* too large for a stack that one may wish to limit */

    look = (struct look){
        .leaf = leaf,
        .layout = layout,
        .why = calloc(layout->boxes, 1),
        .word = calloc(layout->boxes, sizeof *look.word),
    };
    if (!look.why || !look.word || !measure(&look) || !look_at(&look, utf8)) {
        free(look.why);
        look.why = NULL;
    }
    free(look.word);
    return look.why;
}
