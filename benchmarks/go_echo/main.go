// The peer that planebridge is measured against: Go, Echo and a pgx pool of 8, the stack that such
// services are commonly written in. The same work for each webhook: bounded read, signature compared
// in constant time, one insert, 200 after its commit. PORT, DATABASE_URL, PLANE_WEBHOOK_SECRET.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/jackc/pgx/v4/pgxpool"
	"github.com/labstack/echo/v4"
)

const insert = `INSERT INTO event_deliveries (source, delivery_id, event, body)
VALUES ('plane', $1, $2, $3) ON CONFLICT (source, delivery_id) DO NOTHING`

type receiver struct {
	secret []byte
	pool   *pgxpool.Pool
}

func (r receiver) webhook(c echo.Context) error {
	request := c.Request()
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), request.Body, 1<<20))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, "unreadable body")
	}
	given, err := hex.DecodeString(request.Header.Get("X-Plane-Signature"))
	mac := hmac.New(sha256.New, r.secret)
	mac.Write(body)
	if err != nil || !hmac.Equal(mac.Sum(nil), given) {
		return echo.NewHTTPError(http.StatusUnauthorized, "wrong signature")
	}
	tag, err := r.pool.Exec(request.Context(), insert,
		request.Header.Get("X-Plane-Delivery"), request.Header.Get("X-Plane-Event"), body)
	if err != nil {
		return err
	}
	status := "duplicate"
	if tag.RowsAffected() == 1 {
		status = "accepted"
	}
	return c.JSON(http.StatusOK, map[string]string{"status": status})
}

func main() {
	settings, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	settings.MaxConns, settings.MinConns = 8, 8
	pool, err := pgxpool.ConnectConfig(context.Background(), settings)
	if err != nil {
		log.Fatal(err)
	}
	server := echo.New()
	server.HideBanner, server.HidePort = true, true
	server.POST("/webhooks/plane", receiver{[]byte(os.Getenv("PLANE_WEBHOOK_SECRET")), pool}.webhook)
	log.Fatal(server.Start("127.0.0.1:" + os.Getenv("PORT")))
}
