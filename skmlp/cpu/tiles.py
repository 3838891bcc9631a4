"""Products of matrices, tile by tile in the registers of the processor.

C = A B is worked out in panels of two vectors of columns, and those in tiles of some rows, whose sums stay in registers
while the inner dimension runs by. Before that, the columns of B are copied side by side, transposed if asked for, a
block of the inner dimension at a time, which then stays in the first-level cache (Goto & van de Geijn, ACM TOMS
2008). At the last columns masks keep away from what lies beside; at the last rows a tile holds a row twice, and writes
the same values twice. The sums of an element are taken in one order, whatever the other rows.
"""

from functools import partial
from itertools import chain

from numba import types
from numba.extending import intrinsic, overload

from skmlp.cpu.compile import OPTIONS
from skmlp.cpu.vectors import INTEGER, SHORT, WIDEST, Vectors, lanes

DEPTH = 256  # of a block of the inner dimension: so many pairs of vectors fit into the first-level cache
CACHE_LINE = 64  # bytes
CHAINS = 4  # sums of columns that are added up side by side: an addition takes as many cycles
ROWS = 8 if WIDEST == 64 else 4  # of a tile: as many as there are registers for
KINDS = {"forward": (False, False), "weights": (True, False), "weights_added": (True, False), "inputs": (False, True)}
"""Which factors are transposed."""


def multiply(a, b, row, c, rows, depth, columns, kind, real):
    """C = A @ B, the matrices given by their addresses.

    C is (rows, columns), A (rows, depth) or the transpose of what stands at ``a``, and B as well. ``row`` is 0, or the
    address of a row that is added to each row of C; but where A is a transpose, it is filled with the sums of the
    columns of B. "weights_added" adds to what stands in C and in the row; its depth is at most :data:`DEPTH`.
    """
    transposed_a, transposed_b = KINDS[kind]
    a = a[: rows * depth].reshape((depth, rows) if transposed_a else (rows, depth))
    b = b[: depth * columns].reshape((columns, depth) if transposed_b else (depth, columns))
    product = (a.T if transposed_a else a) @ (b.T if transposed_b else b)
    with_row, added = not isinstance(row, int), kind == "weights_added"
    if with_row and transposed_a:
        row[:columns] = row[:columns] + b.sum(axis=0) if added else b.sum(axis=0)
    elif with_row:
        product = product + row[:columns]
    c[: rows * columns] = c[: rows * columns] + product.ravel() if added else product.ravel()


class Product(Vectors):
    """Writes the code of one kind of product."""

    def emit(self, a, b, row, c, rows, depth, columns, kind):
        """Blocks of the inner dimension, panels of columns, tiles of rows."""
        builder, size = self.builder, self.size
        transposed_a, transposed_b = KINDS[kind]
        self.fetches, self.added = kind == "forward", kind == "weights_added"
        self.a, self.b, self.c, self.row = map(self.pointer, (a, b, c, row))
        self.rows, self.depth, self.columns = rows, depth, columns
        self.row_step, self.depth_step = (INTEGER(1), rows) if transposed_a else (depth, INTEGER(1))
        self.panel, self.start = self.reserve(2 * DEPTH), self.reserve(2)
        has_row = builder.icmp_signed("!=", row, INTEGER(0))
        blocks = builder.sdiv(builder.add(depth, INTEGER(DEPTH - 1)), INTEGER(DEPTH))
        part = builder.sdiv(builder.add(depth, builder.sub(blocks, INTEGER(1))), blocks)
        with self.loop(depth, part) as begin:
            span = self.smaller(part, builder.sub(depth, begin))
            self.anew = builder.icmp_signed("==", begin, INTEGER(0))
            with self.loop(columns, 2 * size) as first:
                left = builder.sub(columns, first)
                self.masks = [self.first(left), self.first(builder.sub(left, INTEGER(size)))]
                self.full = builder.icmp_signed(">=", left, INTEGER(2 * size))
                self.begin(has_row, first, added=not transposed_a)
                if transposed_b:
                    self.copy_transposed(first, begin, span)
                else:
                    self.either(self.full, partial(self.copy, first, begin, span, has_row if transposed_a else None))
                one = builder.icmp_signed("<=", left, INTEGER(size))
                self.either(one, partial(self.tiles, first, begin, span))

    def column(self, first, place):
        """Where a vector of the panel from ``first`` on begins."""
        return self.builder.add(first, INTEGER(place * self.size))

    def begin(self, has_row, first, added):
        """What the sums of a panel start from: zeros, or the row to be added."""
        for place in (0, 1):
            self.store(self.zero, self.start, INTEGER(place * self.size))
        if added:
            with self.builder.if_then(has_row):
                for place, mask in enumerate(self.masks):
                    value = self.load(self.row, self.column(first, place), mask)
                    self.store(value, self.start, INTEGER(place * self.size))

    def copy(self, first, begin, span, has_row, full):
        """A block of a panel of b; unless ``has_row`` is None its columns are added up in the row."""
        builder = self.builder
        last = builder.sub(span, INTEGER(1))
        totals = [[self.variable() for _ in self.masks] for _ in range(CHAINS)]
        for total in chain(*totals):
            builder.store(self.zero, total)
        with self.loop(span, CHAINS) as start:
            for step, pair in enumerate(totals):
                # Beyond the end the last row is copied again, and not counted.
                wanted = builder.add(start, INTEGER(step))
                inside = builder.icmp_signed("<=", wanted, last)
                p = builder.select(inside, wanted, last)
                source = builder.add(builder.mul(builder.add(begin, p), self.columns), first)
                for place, (mask, total) in enumerate(zip(self.masks, pair, strict=True)):
                    value = self.load(self.b, self.column(source, place), None if full else mask)
                    self.store(value, self.panel, self.place(p, place))
                    counted = builder.select(inside, value, self.zero)
                    builder.store(builder.fadd(builder.load(total), counted), total)
        if has_row is not None:
            with builder.if_then(has_row):
                self.add_to_row(first, totals)

    def add_to_row(self, first, totals):
        """Sums of the columns of a block, to those of the blocks before it."""
        builder = self.builder
        for place, mask in enumerate(self.masks):
            total = self.zero
            for pair in totals:
                total = builder.fadd(total, builder.load(pair[place]))
            both = builder.fadd(self.load(self.row, self.column(first, place), mask), total)
            total = both if self.added else builder.select(self.anew, total, both)
            self.store(total, self.row, self.column(first, place), mask)

    def copy_transposed(self, first, begin, span):
        """A block of a panel of the transpose of b, in squares, and what is left number by number.

        Where rows of b come to an end the last one is copied again; their products are not stored.
        """
        builder, size = self.builder, self.size
        last = builder.sub(self.columns, INTEGER(1))
        whole = builder.mul(builder.sdiv(span, INTEGER(size)), INTEGER(size))
        for place in (0, 1):
            rows = [self.smaller(builder.add(self.column(first, place), INTEGER(lane)), last) for lane in range(size)]
            starts = [builder.gep(self.b, [builder.add(builder.mul(row, self.depth), begin)]) for row in rows]
            with builder.if_then(builder.icmp_signed("<", self.column(first, place), self.columns)):
                with self.loop(whole, size) as p:
                    for step, value in enumerate(self.transposed(self.load(start, p) for start in starts)):
                        self.store(value, self.panel, self.place(builder.add(p, INTEGER(step)), place))
                with self.loop(builder.sub(span, whole)) as rest:
                    p, value = builder.add(whole, rest), self.zero
                    for lane, start in enumerate(starts):
                        number = builder.load(builder.gep(start, [p]))
                        value = builder.insert_element(value, number, SHORT(lane))
                    self.store(value, self.panel, self.place(p, place))

    def place(self, p, place):
        """Where in the panel the vectors of the inner index p stand."""
        return self.builder.add(self.builder.mul(p, INTEGER(2 * self.size)), INTEGER(place * self.size))

    def tiles(self, first, begin, span, one):
        """All tiles of one or two vectors of columns, over a block of the inner dimension; the last ones are halves."""
        builder = self.builder
        arguments = first, begin, span, range(1 if one else 2)
        whole = builder.mul(builder.sdiv(self.rows, INTEGER(ROWS)), INTEGER(ROWS))
        with self.loop(whole, ROWS) as top:
            self.tile(top, ROWS, *arguments)
        with self.loop(builder.sub(self.rows, whole), ROWS // 2) as rest:
            self.tile(builder.add(whole, rest), ROWS // 2, *arguments)

    def fetch(self, top, n_rows, first):
        """Let the rows that follow those of a be fetched meanwhile: in a prediction they are the next rows of X."""
        builder = self.builder
        with builder.if_then(builder.icmp_signed("==", first, INTEGER(0))):
            ahead = builder.mul(builder.add(top, self.rows), self.depth)
            with self.loop(builder.mul(INTEGER(n_rows), self.depth), CACHE_LINE // self.alignment) as p:
                self.prefetch(self.a, builder.add(ahead, p))

    def tile(self, top, n_rows, first, begin, span, places):
        """Some rows of one or two vectors of columns."""
        builder = self.builder
        last = builder.sub(self.rows, INTEGER(1))
        if self.fetches:
            self.fetch(top, n_rows, first)
        rows = [self.smaller(builder.add(top, INTEGER(r)), last) for r in range(n_rows)]
        sums = [[self.variable() for _ in places] for _ in rows]
        begins = [builder.add(builder.mul(row, self.columns), first) for row in rows]
        depths = builder.mul(begin, self.depth_step)
        starts = [builder.gep(self.a, [builder.add(builder.mul(row, self.row_step), depths)]) for row in rows]

        def start(anew):
            for row, totals in zip(begins, sums, strict=True):
                for place, total in enumerate(totals):
                    source, mask = (self.start, None) if anew else (self.c, self.masks[place])
                    index = INTEGER(place * self.size) if anew else self.column(row, place)
                    builder.store(self.load(source, index, mask), total)

        def finish(full):
            places_of = [(self.column(row, place), self.masks[place]) for row in begins for place in places]
            values = [builder.load(total) for total in chain(*sums)]
            if self.added:  # all are read before any is written, for a row may be there twice
                before = [self.load(self.c, index, None if full else mask) for index, mask in places_of]
                values = [builder.fadd(*pair) for pair in zip(before, values, strict=True)]
            for (index, mask), value in zip(places_of, values, strict=True):
                self.store(value, self.c, index, None if full else mask)

        self.either(self.anew, start)
        with self.loop(span) as p:
            columns = [self.load(self.panel, self.place(p, place)) for place in places]
            step = builder.mul(p, self.depth_step)
            for row, totals in zip(starts, sums, strict=True):
                factor = self.splat(builder.load(builder.gep(row, [step])))
                for column, total in zip(columns, totals, strict=True):
                    self.add_product(total, factor, column)
        if len(places) == 2:
            self.either(self.full, finish)
        else:
            finish(False)


@intrinsic
def _multiply(typing_context, a, b, row, c, rows, depth, columns, kind, real):
    def build(context, builder, signature, arguments):
        number = context.get_value_type(real.instance_type)
        product = Product(builder, number, lanes(real.instance_type.name), context.get_abi_sizeof(number))
        product.emit(*arguments[:7], kind.literal_value)
        return context.get_dummy_value()

    if not isinstance(kind, types.Literal):
        return None
    return types.void(*[types.int64] * 7, kind, real), build


@overload(multiply, jit_options=OPTIONS)
def _multiply_overload(a, b, row, c, rows, depth, columns, kind, real):
    return lambda a, b, row, c, rows, depth, columns, kind, real: _multiply(
        a, b, row, c, rows, depth, columns, kind, real
    )
