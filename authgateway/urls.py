from __future__ import annotations

from django.urls import path

from authgateway.views import factors, forward, machines, sessions, tokens

urlpatterns = [
    path("token", tokens.TokenView.as_view(), name="auth-token"),
    path("token/refresh", tokens.RefreshView.as_view(), name="auth-token-refresh"),
    path("token/revoke", tokens.RevokeView.as_view(), name="auth-token-revoke"),
    path("token/introspect", tokens.IntrospectView.as_view(), name="auth-token-introspect"),
    path("token/client", machines.ClientTokenView.as_view(), name="auth-token-client"),
    path("step-up", tokens.StepUpView.as_view(), name="auth-step-up"),
    path("totp", factors.TotpView.as_view(), name="auth-totp"),
    path("totp/confirm", factors.TotpConfirmView.as_view(), name="auth-totp-confirm"),
    path("totp/recovery-codes", factors.RecoveryCodesView.as_view(), name="auth-recovery-codes"),
    path("api-tokens", machines.ApiTokensView.as_view(), name="auth-api-tokens"),
    path("api-tokens/<uuid:token_id>", machines.ApiTokenView.as_view(), name="auth-api-token"),
    path("logout", tokens.LogoutView.as_view(), name="auth-logout"),
    path("logout-all", tokens.LogoutAllView.as_view(), name="auth-logout-all"),
    path("password", tokens.PasswordView.as_view(), name="auth-password"),
    path("sessions", sessions.SessionsView.as_view(), name="auth-sessions"),
    path("sessions/<uuid:session_id>", sessions.SessionView.as_view(), name="auth-session"),
    path("me", sessions.MeView.as_view(), name="auth-me"),
    path("verify", forward.VerifyView.as_view(), name="auth-verify"),
]
