/* Multiplies and inverts a matrix, sums series, and prints doubles in every format. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 6 };

static void print(const char *name, double m[N][N]) {
    printf("%s\n", name);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) printf(" %12.6f", m[i][j]);
        putchar('\n');
    }
}

static void multiply(double a[N][N], double b[N][N], double c[N][N]) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
            c[i][j] = fabs(sum) < 1e-12 ? 0 : sum;
        }
    }
}

static int invert(double a[N][N], double inverse[N][N]) {
    double m[N][2 * N];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < 2 * N; j++) m[i][j] = j < N ? a[i][j] : i == j - N;
    }
    for (int i = 0; i < N; i++) {
        int best = i;
        for (int r = i + 1; r < N; r++) {
            if (fabs(m[r][i]) > fabs(m[best][i])) best = r;
        }
        if (m[best][i] == 0) return 0;
        for (int j = 0; j < 2 * N; j++) {
            double t = m[i][j];
            m[i][j] = m[best][j];
            m[best][j] = t;
        }
        double pivot = m[i][i];
        for (int j = 0; j < 2 * N; j++) m[i][j] /= pivot;
        for (int r = 0; r < N; r++) {
            if (r == i) continue;
            double factor = m[r][i];
            for (int j = 0; j < 2 * N; j++) m[r][j] -= factor * m[i][j];
        }
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) inverse[i][j] = m[i][j + N];
    }
    return 1;
}

int main(int argc, char **argv) {
    unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            seed = seed * 1664525u + 1013904223u;
            a[i][j] = (double)(seed >> 16) / 4096 - 8;
        }
    }
    print("matrix", a);
    if (!invert(a, b)) {
        puts("singular");
        return 1;
    }
    print("inverse", b);
    multiply(a, b, c);
    print("product", c);
    const double odd[] = {0.0,         -0.0, 1.0 / 3, 1e300 * 1e10, -1e300 * 1e10, 1e-310, 123456789.125, DBL_MAX, DBL_MIN,
                          DBL_EPSILON, 0.1,  2.5,     3.5,          -1.5,          1e21,   1e22};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        printf("%f|%.0f|%e|%g|%.17g|%+.3e|%015.4f\n", odd[i], odd[i], odd[i], odd[i], odd[i], odd[i], odd[i]);
        /* How a subnormal number is shown in hexadecimal, each library decides. */
        if (odd[i] == 0 || fabs(odd[i]) >= DBL_MIN) printf("%a\n", odd[i]);
    }
    double harmonic = 0, wallis = 2;
    for (int i = 1; i <= 100000; i++) {
        harmonic += 1.0 / i;
        wallis *= 4.0 * i * i / (4.0 * i * i - 1);
    }
    printf("%.15f %.15f %.15f %.15f\n", harmonic, wallis, sqrt(2), fmod(10.5, 3));
    printf("%.12f %.12f %.12f %.12f\n", sin(1), exp(1), log(10), pow(2, 0.5));
    printf("%g %g %g %g\n", floor(-2.5), ceil(-2.5), round(2.5), trunc(-2.7));
    printf("%.10g %.10g\n", strtod("3.14159265358979", NULL), strtod("0x1.8p3", NULL));
    return 0;
}
